import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { initPki } from '@lockstep/coordinator/pki/init.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { freePort } from '@lockstep/shared/free-port.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { locateTools } from '../../lab/tools/locate.ts';

export const CLUSTER = 'nats-test';
const HOST = '127.0.0.1';

/** A real nats-server with JetStream on disk, configured as `lockstep init` configures one. */
export class NatsServer implements AsyncDisposable {
  readonly directory: string;
  readonly address: string;
  readonly #program: string;
  #process: ChildProcess | undefined;

  private constructor(directory: string, address: string, program: string) {
    this.directory = directory;
    this.address = address;
    this.#program = program;
  }

  static async prepare(): Promise<NatsServer> {
    const { natsServer } = await locateTools();
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-nats-'));
    const address = `${HOST}:${await freePort()}`;
    const pki = join(directory, 'pki');
    await initPki({
      cluster: CLUSTER,
      outDir: pki,
      agents: ['cp1', 'cp2'].map((name) => ({ name, address: HOST })),
      coordinators: [{ name: 'c1', address: HOST }],
      operators: ['eve', 'auditor'],
      nats: [{ name: 'n1', address }],
      nowMs: Date.now(),
    });
    const identity = join(pki, 'nats/n1');
    const config = (await readFile(join(identity, 'nats.conf'), 'utf8'))
      .replaceAll('/etc/nats/tls', identity)
      .replaceAll('/var/lib/nats', join(directory, 'jetstream'));
    // Reading the audit stream is nobody's right that `init` gives; here the test has it, and eve has none.
    const auditor = `    { user: "lockstep://${CLUSTER}/operator/auditor" }`;
    const others = config.replace(/ +\{ user: "[^"]+\/operator\/[^}]+\{[^}]+\}[^}]+\} \}/gu, '');
    await writeFile(join(directory, 'nats.conf'), others.replace('users: [', `users: [\n${auditor}`));
    return new NatsServer(directory, address, natsServer);
  }

  get url(): string {
    return `tls://${this.address}`;
  }

  identity(kind: 'agents' | 'coordinators' | 'operators', name: string): TlsFiles {
    const directory = join(this.directory, 'pki', kind, name);
    return {
      caFile: join(directory, 'ca.crt'),
      certFile: join(directory, 'tls.crt'),
      keyFile: join(directory, 'tls.key'),
    };
  }

  /** Resolves when it listens. */
  async start(args: readonly string[] = ['--config', join(this.directory, 'nats.conf')]): Promise<void> {
    const process = spawn(this.#program, args, { stdio: 'ignore' });
    this.#process = process;
    const signal = deadline(20_000);
    const [host = '', port = ''] = this.address.split(':');
    while (!(await answers(host, Number(port)))) {
      signal.throwIfAborted();
      if (process.exitCode !== null) throw new Error(`nats-server ended with ${process.exitCode}`);
      await delay(50);
    }
  }

  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined || process.exitCode !== null) return;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
