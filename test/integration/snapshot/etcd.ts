import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '@lockstep/shared/waiting.ts';
import type { EtcdTools } from '../../lab/tools/locate.ts';

const run = promisify(execFile);
const START_TIMEOUT_MS = 30_000;
const TOOL_TIMEOUT_MS = 60_000;

/** What `etcdutl snapshot status -w json` prints. */
export interface UtilityStatus {
  readonly hash: number;
  readonly revision: number;
  readonly totalKey: number;
  readonly totalSize: number;
  /** From 3.6 on. */
  readonly version?: string;
}

/** One real member on loopback, without TLS, spoken to through its JSON gateway. */
export class Etcd implements AsyncDisposable {
  readonly tools: EtcdTools;
  readonly directory: string;
  readonly #clientUrl: string;
  readonly #process: ChildProcess;

  private constructor(tools: EtcdTools, directory: string, clientUrl: string, child: ChildProcess) {
    this.tools = tools;
    this.directory = directory;
    this.#clientUrl = clientUrl;
    this.#process = child;
  }

  static async start(tools: EtcdTools, dataDirectory?: string, flags: readonly string[] = []): Promise<Etcd> {
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-snapshot-'));
    const [client, peer] = [await freeUrl(), await freeUrl()];
    const child = spawn(
      tools.etcd,
      [
        `--data-dir=${dataDirectory ?? join(directory, 'data')}`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
        '--log-level=error',
        '--unsafe-no-fsync',
        ...flags,
      ].filter((flag) => !(flag === '--unsafe-no-fsync' && tools.version.startsWith('3.4.'))),
      { stdio: 'ignore' },
    );
    const etcd = new Etcd(tools, directory, client, child);
    try {
      await waitFor(
        {
          describe: () => `etcd ${tools.version} answers`,
          check: () =>
            etcd.call('kv/range', { key: base64('x') }).then(
              () => true,
              () => false,
            ),
        },
        50,
        AbortSignal.timeout(START_TIMEOUT_MS),
      );
    } catch (cause) {
      await etcd[Symbol.asyncDispose]();
      throw cause;
    }
    return etcd;
  }

  async call(method: string, body: object, token?: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#clientUrl}/v3/${method}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: token === undefined ? {} : { authorization: token },
      signal: AbortSignal.timeout(TOOL_TIMEOUT_MS),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${method}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async put(key: string, value: string | Uint8Array, lease?: string): Promise<void> {
    await this.call('kv/put', {
      key: base64(key),
      value: base64(value),
      ...(lease === undefined ? {} : { lease }),
    });
  }

  async delete(key: string): Promise<void> {
    await this.call('kv/deleterange', { key: base64(key) });
  }

  /** One transaction of puts: one main revision, several sub revisions. */
  async putAll(entries: ReadonlyArray<readonly [string, string | Uint8Array]>): Promise<void> {
    await this.call('kv/txn', {
      success: entries.map(([key, value]) => ({ requestPut: { key: base64(key), value: base64(value) } })),
    });
  }

  /** All live keys under a prefix with values and revisions. */
  async list(prefix: string): Promise<{ key: Buffer; value: Buffer; modRevision: bigint }[]> {
    const end = `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
    const answer = await this.call('kv/range', { key: base64(prefix), range_end: base64(end) });
    const rows = (answer['kvs'] ?? []) as { key: string; value?: string; mod_revision: string }[];
    return rows.map(({ key, value, mod_revision }) => ({
      key: Buffer.from(key, 'base64'),
      value: Buffer.from(value ?? '', 'base64'),
      modRevision: BigInt(mod_revision),
    }));
  }

  /** Lease id, decimal. */
  async grant(seconds: number): Promise<string> {
    return (await this.call('lease/grant', { TTL: seconds }))['ID'] as string;
  }

  async snapshot(name = 'snapshot.db', flags: readonly string[] = []): Promise<string> {
    const path = join(this.directory, name);
    await run(this.tools.etcdctl, [`--endpoints=${this.#clientUrl}`, ...flags, 'snapshot', 'save', path], {
      env: { ETCDCTL_API: '3' },
      timeout: TOOL_TIMEOUT_MS,
    });
    return path;
  }

  /** HashKV at a revision. The JSON gateway has no way to it: its path answers the hash of the whole file. */
  async hashKv(revision: number): Promise<{ hash: number; compactRevision: number }> {
    const { stdout } = await run(
      this.tools.etcdctl,
      [`--endpoints=${this.#clientUrl}`, 'endpoint', 'hashkv', `--rev=${revision}`, '-w', 'json'],
      { env: { ETCDCTL_API: '3' }, timeout: TOOL_TIMEOUT_MS },
    );
    const [answer] = JSON.parse(stdout) as { HashKV: { hash: number; compact_revision?: number } }[];
    if (answer === undefined) throw new Error(`no answer: ${stdout}`);
    return { hash: answer.HashKV.hash, compactRevision: answer.HashKV.compact_revision ?? 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exited;
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

export async function utilityStatus(tools: EtcdTools, path: string): Promise<UtilityStatus> {
  const { stdout } = await run(tools.etcdutl, ['snapshot', 'status', path, '-w', 'json'], {
    env: { ETCDCTL_API: '3' },
    timeout: TOOL_TIMEOUT_MS,
  });
  return JSON.parse(stdout) as UtilityStatus;
}

/** Restores and returns the path of the new store. */
export async function restore(
  tools: EtcdTools,
  snapshot: string,
  dataDirectory: string,
  flags: readonly string[],
): Promise<string> {
  await run(tools.etcdutl, ['snapshot', 'restore', snapshot, `--data-dir=${dataDirectory}`, ...flags], {
    env: { ETCDCTL_API: '3' },
    timeout: TOOL_TIMEOUT_MS,
  });
  return join(dataDirectory, 'member/snap/db');
}

export function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64');
}

async function freeUrl(): Promise<string> {
  return `http://${await freeAddress()}`;
}

/** An address on loopback that nobody listens on. */
export async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}
