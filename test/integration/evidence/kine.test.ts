import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { describe, expect, it } from 'vitest';
import { defaultPlaces, locateProgram, locateTools } from '../../lab/tools/locate.ts';
import { freeAddress } from '../snapshot/etcd.ts';

const kine = await locateProgram('kine', defaultPlaces());
const START_TIMEOUT_MS = 30_000;
const TOOL_TIMEOUT_MS = 30_000;

/** A real kine on loopback, spoken to as kube-apiserver does: creations, updates and deletions by revision. */
class Kine implements AsyncDisposable {
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

describe.runIf(kine !== undefined)('a real kine', () => {
  it('is read as it tells itself, its log too, and what it compacted is carved', async () => {
    const { etcd } = await locateTools();
    await using running = await Kine.start(kine!, etcd.etcdctl);
    await running.create('/registry/namespaces/default', 'ns');
    await running.create('/registry/secrets/a/s', 'hidden');
    for (const value of ['one', 'two', 'three']) {
      await (value === 'one'
        ? running.create('/registry/pods/a/p', value)
        : running.update('/registry/pods/a/p', value));
    }
    await running.delete('/registry/secrets/a/s');
    const expected = (await running.list()).filter(({ key }) => key !== '/registry/health');

    const copy = join(running.directory, 'copied');
    await mkdir(copy);
    const take = async () => {
      for (const name of ['state.db', 'state.db-wal']) {
        await copyFile(join(running.directory, name), join(copy, name));
      }
    };
    await running.stop();
    await take();

    using evidence = openEvidence(join(copy, 'state.db'));
    const newest = new Map<string, { key: string; value: string; main: number; created: number }>();
    const deleted: string[] = [];
    const versions: number[] = [];
    evidence.rows((row) => {
      const value = Buffer.from(row.value).toString();
      if (row.deleted) {
        newest.delete(row.key);
        deleted.push(`${row.key} ${value}`);
        return;
      }
      if (row.key === '/registry/pods/a/p') versions.push(row.version);
      newest.set(row.key, { key: row.key, value, main: row.main, created: row.createRevision });
    });
    const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
    expect([...newest.values()].sort(byKey)).toEqual(expected.sort(byKey));
    expect(deleted).toEqual(['/registry/secrets/a/s hidden']);
    expect(versions).toEqual([1, 2, 3]);
    expect(evidence.facts.registryPrefix).toBe('/registry');
  });

  it('after a compaction, tells what the rows that are left had replaced', async () => {
    const { etcd } = await locateTools();
    await using running = await Kine.start(kine!, etcd.etcdctl);
    await running.create('/registry/pods/a/p', 'one');
    await running.update('/registry/pods/a/p', 'two');
    const [pod] = (await running.list()).filter(({ key }) => key === '/registry/pods/a/p');
    await running.compact(pod!.main);
    await running.stop();
    using evidence = openEvidence(join(running.directory, 'state.db'));
    const rows: string[] = [];
    evidence.rows(({ key, value }) => rows.push(`${key} ${Buffer.from(value).toString()}`));
    expect(rows).toEqual(['/registry/pods/a/p two']);
    const carved: string[] = [];
    evidence.carved(({ main, key, value }) =>
      carved.push(`${main < pod!.main} ${key} ${Buffer.from(value).toString()}`),
    );
    expect(carved).toEqual(['true /registry/pods/a/p one']);
    expect(evidence.facts.compactRevision).toBe(pod!.main);
  });
});
