import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { freeAddress } from '../snapshot/etcd.ts';

const START_TIMEOUT_MS = 30_000;
const TOOL_TIMEOUT_MS = 30_000;

/** A real kine on loopback, spoken to as kube-apiserver does: creations, updates and deletions by revision. */
export class Kine implements AsyncDisposable {
  readonly directory: string;
  readonly #etcdctl: string;
  readonly #address: string;
  readonly #process: ChildProcess;

  private constructor(directory: string, etcdctl: string, address: string, child: ChildProcess) {
    this.directory = directory;
    this.#etcdctl = etcdctl;
    this.#address = address;
    this.#process = child;
  }

  static async start(program: string, etcdctl: string): Promise<Kine> {
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-kine-'));
    const address = await freeAddress();
    const database = `sqlite://${join(directory, 'state.db')}?_journal_mode=WAL&cache=shared`;
    const child = spawn(
      program,
      [
        `--listen-address=${address}`,
        `--endpoint=${database}`,
        '--metrics-bind-address=0',
        '--compact-min-retain=0',
      ],
      { cwd: directory, stdio: 'ignore' },
    );
    const started = new Kine(directory, etcdctl, address, child);
    try {
      const answers = () =>
        started.#ctl(['get', '/registry/health']).then(
          () => true,
          () => false,
        );
      await waitFor(
        { describe: () => 'kine answers', check: answers },
        100,
        AbortSignal.timeout(START_TIMEOUT_MS),
      );
    } catch (cause) {
      await started[Symbol.asyncDispose]();
      throw cause;
    }
    return started;
  }

  /** A value is one word of etcdctl's: `quoted` makes one of any bytes. */
  async create(key: string, value: string): Promise<void> {
    await this.#ctl(['txn'], `mod("${key}") = "0"\n\nput ${key} ${value}\n\n\n`);
  }

  async update(key: string, value: string): Promise<void> {
    const revision = await this.#revisionOf(key);
    await this.#ctl(['txn'], `mod("${key}") = "${revision}"\n\nput ${key} ${value}\n\nget ${key}\n\n`);
  }

  async delete(key: string): Promise<void> {
    const revision = await this.#revisionOf(key);
    await this.#ctl(['txn'], `mod("${key}") = "${revision}"\n\ndel ${key}\n\nget ${key}\n\n`);
  }

  async compact(revision: number): Promise<void> {
    await this.#ctl(['compaction', String(revision)]);
  }

  /** Revisions, keys and values as kine itself tells them. */
  async list(): Promise<{ key: string; value: string; main: number; created: number }[]> {
    const answer = JSON.parse(await this.#ctl(['get', '/registry/', '--prefix', '-w', 'json'])) as {
      kvs?: { key: string; value: string; mod_revision: number; create_revision: number }[];
    };
    return (answer.kvs ?? []).map((each) => ({
      key: Buffer.from(each.key, 'base64').toString('latin1'),
      value: Buffer.from(each.value ?? '', 'base64').toString(),
      main: each.mod_revision,
      created: each.create_revision,
    }));
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #revisionOf(key: string): Promise<number> {
    const found = (await this.list()).find((each) => each.key === key);
    if (found === undefined) throw new Error(`no ${key}`);
    return found.main;
  }

  async #ctl(args: readonly string[], input = ''): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const child = execFile(
      this.#etcdctl,
      [`--endpoints=${this.#address}`, ...args],
      { env: { ETCDCTL_API: '3' }, timeout: TOOL_TIMEOUT_MS },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    );
    child.stdin?.end(input);
    return await promise;
  }
}

/** Any bytes as one word of etcdctl's transactions. */
export function quoted(bytes: Buffer): string {
  const escaped = Array.from(bytes, (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `"${escaped.join('')}"`;
}
