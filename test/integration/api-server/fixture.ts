import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { locateTools } from '../../lab/tools/locate.ts';
import { type PemFiles, writeCertificates } from '../adapters/support/certificates.ts';
import { freePort, killProcess, type RunningEtcd, startEtcd } from '../adapters/support/etcd-process.ts';

const API_SERVER = fileURLToPath(new URL('../../lab/api-server/main.ts', import.meta.url));
const ADDRESS = '127.0.0.1';

export interface Answer {
  readonly code: number;
  readonly body: string;
}

/** One real etcd without TLS and an API server over it; everything in one directory that goes with it. */
export class Fixture implements AsyncDisposable {
  readonly directory: string;
  readonly etcdctl: string;
  private readonly pem: PemFiles;
  private readonly ports: { readonly client: number; readonly peer: number; readonly api: number };
  private readonly agent: Agent;
  private etcd: RunningEtcd | undefined;
  private apiServer: ChildProcess | undefined;

  private constructor(options: {
    directory: string;
    etcdctl: string;
    pem: PemFiles;
    ports: Fixture['ports'];
    agent: Agent;
  }) {
    this.directory = options.directory;
    this.etcdctl = options.etcdctl;
    this.pem = options.pem;
    this.ports = options.ports;
    this.agent = options.agent;
  }

  static async create(): Promise<Fixture> {
    const { etcd } = await locateTools();
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-api-server-'));
    const pem = await writeCertificates(join(directory, 'pki'), ADDRESS);
    const [ca, cert, key] = await Promise.all([pem.ca, pem.cert, pem.key].map((path) => readFile(path)));
    return new Fixture({
      directory,
      etcdctl: etcd.etcdctl,
      pem,
      ports: {
        client: await freePort(ADDRESS),
        peer: await freePort(ADDRESS),
        api: await freePort(ADDRESS),
      },
      agent: new Agent({ ca, cert, key, keepAlive: true } as ConstructorParameters<typeof Agent>[0] & object),
    });
  }

  get etcdUrl(): string {
    return `http://${ADDRESS}:${this.ports.client}`;
  }

  async startEtcd(): Promise<void> {
    this.etcd = await startEtcd({ directory: this.directory, address: ADDRESS, ports: this.ports });
  }

  async killEtcd(): Promise<void> {
    await this.etcd?.kill();
    this.etcd = undefined;
  }

  startApiServer(): void {
    this.apiServer = spawn(
      process.execPath,
      [
        API_SERVER,
        `--advertise-address=${ADDRESS}`,
        `--secure-port=${this.ports.api}`,
        `--etcd-servers=${this.etcdUrl}`,
        `--tls-cert-file=${this.pem.cert}`,
        `--tls-private-key-file=${this.pem.key}`,
        `--client-ca-file=${this.pem.ca}`,
        '--encryption-provider-config=/nowhere',
        '--allow-privileged=true',
      ],
      { stdio: 'ignore' },
    );
  }

  /** SIGTERM, and waits for its end. */
  async stopApiServer(): Promise<void> {
    if (this.apiServer === undefined) return;
    const exited = once(this.apiServer, 'exit');
    this.apiServer.kill('SIGTERM');
    await exited;
  }

  async killApiServer(): Promise<void> {
    if (this.apiServer !== undefined) await killProcess(this.apiServer);
  }

  /** Resolves with the milliseconds it took until /readyz said ok. */
  async waitReady(): Promise<number> {
    const begin = performance.now();
    await waitFor(
      {
        describe: () => 'the API server is ready',
        check: async () => (await this.call('GET', '/readyz').catch(() => undefined))?.code === 200,
      },
      20,
      AbortSignal.timeout(20_000),
    );
    return performance.now() - begin;
  }

  async call(method: string, path: string, body?: unknown, agent = this.agent): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const outgoing = request({ host: ADDRESS, port: this.ports.api, method, path, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }

  /** The call's body as JSON; throws where the code is another. */
  async json<T>(method: string, path: string, code: number, body?: unknown): Promise<T> {
    const answer = await this.call(method, path, body);
    if (answer.code !== code) throw new Error(`${method} ${path}: ${answer.code} ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }

  /** A watch: its events as they come, until it is closed by either side. */
  watch(path: string): { next(): Promise<WatchEvent | undefined>; close(): void } {
    const waiting: ((event: WatchEvent | undefined) => void)[] = [];
    const arrived: (WatchEvent | undefined)[] = [];
    const push = (event: WatchEvent | undefined): void => {
      const waiter = waiting.shift();
      if (waiter === undefined) arrived.push(event);
      else waiter(event);
    };
    const outgoing = request({ host: ADDRESS, port: this.ports.api, path, agent: this.agent }, (response) => {
      let rest = '';
      response.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString('utf8')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) push(JSON.parse(line) as WatchEvent);
      });
      response.on('close', () => push(undefined));
    });
    outgoing.on('error', () => push(undefined));
    outgoing.end();
    return {
      next: async () => {
        if (arrived.length > 0) return arrived.shift();
        const { promise, resolve } = Promise.withResolvers<WatchEvent | undefined>();
        waiting.push(resolve);
        return promise;
      },
      close: () => outgoing.destroy(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.destroy();
    await this.killApiServer();
    await this.killEtcd();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** An agent without a client certificate. */
  anonymous(): Agent {
    return new Agent({ rejectUnauthorized: false });
  }
}

export interface WatchEvent {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly name?: string; readonly resourceVersion?: string };
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
  };
}
