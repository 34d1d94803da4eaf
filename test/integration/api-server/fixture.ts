import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@lockstep/shared/free-port.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { type Answer, ApiClient, type ClientFiles, type WatchEvent } from '../../lab/api-server/client.ts';
import { locateTools } from '../../lab/tools/locate.ts';
import { type PemFiles, writeCertificates } from '../adapters/support/certificates.ts';
import { killProcess, type RunningEtcd, startEtcd } from '../adapters/support/etcd-process.ts';

const API_SERVER = fileURLToPath(new URL('../../lab/api-server/main.ts', import.meta.url));
const ADDRESS = '127.0.0.1';
const CALL_TIMEOUT_MS = 15_000;

interface Ports {
  readonly client: number;
  readonly peer: number;
  readonly api: number;
}

/** One real etcd without TLS and an API server over it; everything in one directory that goes with it. */
export class Fixture implements AsyncDisposable {
  readonly directory: string;
  readonly etcdctl: string;
  private readonly pem: PemFiles;
  private readonly ports: Ports;
  readonly client: ApiClient;
  private etcd: RunningEtcd | undefined;
  private apiServer: ChildProcess | undefined;

  private constructor(options: {
    directory: string;
    etcdctl: string;
    pem: PemFiles;
    ports: Ports;
  }) {
    this.directory = options.directory;
    this.etcdctl = options.etcdctl;
    this.pem = options.pem;
    this.ports = options.ports;
    this.client = new ApiClient(`https://${ADDRESS}:${this.ports.api}`, this.clientFiles);
  }

  static async create(): Promise<Fixture> {
    const { etcd } = await locateTools();
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-api-server-'));
    const pem = await writeCertificates(join(directory, 'pki'), ADDRESS);
    return new Fixture({
      directory,
      etcdctl: etcd.etcdctl,
      pem,
      ports: {
        client: await freePort(ADDRESS),
        peer: await freePort(ADDRESS),
        api: await freePort(ADDRESS),
      },
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

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.client.call(method, path, body, AbortSignal.timeout(CALL_TIMEOUT_MS));
  }

  /** The body as JSON; rejects where the code is another. */
  async json<T>(method: string, path: string, code: number, body?: unknown): Promise<T> {
    return this.client.json<T>(method, path, code, body, AbortSignal.timeout(CALL_TIMEOUT_MS));
  }

  watch(path: string): AsyncGenerator<WatchEvent> {
    return this.client.watch(path, AbortSignal.timeout(CALL_TIMEOUT_MS));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.killApiServer();
    await this.killEtcd();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A client without a certificate. */
  anonymous(): ApiClient {
    return new ApiClient(this.client.server, undefined);
  }

  /** What a client needs to be known to the API server. */
  get clientFiles(): ClientFiles {
    return { caFile: this.pem.ca, certFile: this.pem.cert, keyFile: this.pem.key };
  }
}
