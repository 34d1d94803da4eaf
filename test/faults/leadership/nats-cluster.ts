import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initPki } from '@lockstep/coordinator/pki/init.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { locateTools } from '../../lab/tools/locate.ts';

export const CLUSTER = 'leaders';
const SERVERS = ['n1', 'n2', 'n3'] as const;
/** A /24 of loopback that nothing else in the tests uses: servers of one cluster need addresses of their own. */
const NETWORK = '127.94.78';

/** Three real nats-servers, one JetStream cluster on disk, configured as `lockstep init` configures them. */
export class NatsCluster implements AsyncDisposable {
  readonly urls = SERVERS.map((_, index) => `tls://${NETWORK}.${index + 1}:4222`);
  readonly #directory: string;
  readonly #program: string;
  readonly #processes = new Map<number, ChildProcess>();

  private constructor(directory: string, program: string) {
    this.#directory = directory;
    this.#program = program;
  }

  static async up(): Promise<NatsCluster> {
    const { natsServer } = await locateTools();
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-nats-'));
    await initPki({
      cluster: CLUSTER,
      outDir: directory,
      agents: [{ name: 'cp1', address: '127.0.0.1' }],
      coordinators: ['c1', 'c2', 'c3'].map((name) => ({ name, address: '127.0.0.1' })),
      operators: [],
      nats: SERVERS.map((name, index) => ({ name, address: `${NETWORK}.${index + 1}` })),
      nowMs: Date.now(),
    });
    const cluster = new NatsCluster(directory, natsServer);
    for (const [index, name] of SERVERS.entries()) {
      const home = join(directory, 'nats', name);
      const text = await readFile(join(home, 'nats.conf'), 'utf8');
      await writeFile(
        cluster.#config(index),
        text.replaceAll('/etc/nats/tls', home).replaceAll('/var/lib/nats', join(home, 'data')),
      );
      cluster.start(index);
    }
    return cluster;
  }

  identity(kind: 'agents' | 'coordinators', name: string): TlsFiles {
    const home = join(this.#directory, kind, name);
    return { caFile: join(home, 'ca.crt'), certFile: join(home, 'tls.crt'), keyFile: join(home, 'tls.key') };
  }

  start(index: number): void {
    if (this.#processes.has(index)) return;
    this.#processes.set(index, spawn(this.#program, ['-c', this.#config(index)], { stdio: 'ignore' }));
  }

  async kill(index: number): Promise<void> {
    const process = this.#processes.get(index);
    this.#processes.delete(index);
    if (process === undefined || process.exitCode !== null) return;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const index of SERVERS.keys()) await this.kill(index);
    await rm(this.#directory, { recursive: true, force: true });
  }

  #config(index: number): string {
    return join(this.#directory, `nats/${SERVERS[index]}/moved.conf`);
  }
}
