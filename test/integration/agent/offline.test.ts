import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HostFiles } from '@lockstep/agent/adapters/host-files.ts';
import { HostRoot } from '@lockstep/agent/adapters/host-root.ts';
import { HostStores } from '@lockstep/agent/adapters/stores.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { holdStopped } from '@lockstep/agent/snapshots/offline.ts';
import { saveSnapshot } from '@lockstep/agent/snapshots/save.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';
import { type RunningEtcd, startEtcd } from '../adapters/support/etcd-process.ts';

/** A real member, killed, and copied while it is held: what the copy holds, and what it says it lacks. */
const run = promisify(execFile);
const KEYS = 300;
const signal = (): AbortSignal => AbortSignal.timeout(30_000);

let directory: string;
let etcd: RunningEtcd;
let store: SnapshotStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-offline-'));
  etcd = await startEtcd({ directory });
  store = new SnapshotStore({
    directory: join(directory, 'snapshots'),
    hostDirectory: '/snapshots',
    node: 'cp1',
  });
  using client = new EtcdClient(etcd.endpoint);
  for (let index = 0; index < KEYS; index += 1) {
    await client.put(
      Buffer.from(`/registry/configmaps/default/c${index}`),
      Buffer.alloc(2_000, index),
      signal(),
    );
  }
});
afterEach(async () => {
  await etcd.kill();
  await rm(directory, { recursive: true, force: true });
});

function hold(serving = false) {
  const root = new HostRoot('/', [{ path: etcd.dataDir, access: 'read' }]);
  const syscalls = new Syscalls();
  const stores = new HostStores(new HostFiles(root, syscalls), syscalls, join(directory, 'state'));
  return holdStopped(
    {
      node: 'cp1',
      describe: async () =>
        NodeReport.fromPartial({ node: 'cp1', etcd: { dataDir: etcd.dataDir, serving, version: '3.5.16' } }),
      realPath: (path) => stores.realPath(path),
      lockDatabase: (path, until) => stores.lockDatabase(path, until),
    },
    signal(),
  );
}

async function saveOffline() {
  await using held = await hold();
  const { report, source, log } = held;
  const { card } = await saveSnapshot(
    {
      describe: async () => report,
      member: source,
      log,
      store,
      seal: async (each) => ({ card: each, sealed: undefined }),
      now: Date.now,
    },
    { node: 'cp1', cluster: 'lab', reason: 'the quorum is gone' },
    () => {},
    signal(),
  );
  if (card?.offline === undefined) throw new Error('no offline card');
  return { ...card, offline: card.offline };
}

describe('a stopped member', () => {
  it('is copied into a snapshot that etcd restores, with its log beside it', async () => {
    await etcd.kill();
    const { id, facts, offline, etcdClusterId } = await saveOffline();
    expect(etcdClusterId).toMatch(/^[0-9a-f]+$/);
    expect(facts).toMatchObject({ trailerValid: true, consistentIndex: offline.consistentIndex });
    // Each put is an entry: what the database had not taken yet lies in the log, and is counted.
    const inDatabase = Number(facts?.status?.liveKeys ?? 0n);
    const inLogOnly = Number(offline.lastIndex - offline.consistentIndex);
    expect(inDatabase + inLogOnly).toBe(KEYS);
    expect(offline.committedIndex).toBeGreaterThanOrEqual(offline.consistentIndex);
    expect(offline.committedIndex).toBeLessThanOrEqual(offline.lastIndex);

    const names = await readdir(join(etcd.dataDir, 'member/wal'));
    const wal = names.filter((name) => name.endsWith('.wal'));
    expect(offline.files.map(({ path }) => path)).toStrictEqual(wal);
    for (const { path, sha256 } of offline.files) {
      expect(sha256Hex(await readFile(join(store.logOf(id), path)))).toBe(sha256);
      expect(sha256Hex(await readFile(join(etcd.dataDir, 'member/wal', path)))).toBe(sha256);
    }
    expect(await store.verify(id, signal())).toMatchObject({ refusals: [] });

    const { etcd: tools } = await locateTools();
    await run(tools.etcdutl, [
      'snapshot',
      'restore',
      store.pathOf(id),
      `--data-dir=${join(directory, 'restored')}`,
    ]);
    expect(existsSync(join(directory, 'restored/member/snap/db'))).toBe(true);
  });

  it('is refused while it serves, while an etcd has it open, and where there is none', async () => {
    await expect(hold(true)).rejects.toMatchObject({ code: 'MEMBER_SERVES' });
    await expect(hold()).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('leave out --offline'),
    });
    await etcd.kill();
    await rm(join(etcd.dataDir, 'member/snap/db'));
    await expect(hold()).rejects.toMatchObject({ code: 'STORE_NOT_AS_RECORDED' });
    expect(await store.list()).toEqual([]);
  });

  it('cannot be started while it is held, and starts as it was afterwards', async () => {
    await etcd.kill();
    const { endpoint, dataDir } = etcd;
    const [client, peer] = [endpoint.url, etcd.peerUrl].map((url) => Number(new URL(url).port)) as [
      number,
      number,
    ];
    const again = (readyMs: number) => startEtcd({ directory, dataDir, ports: { client, peer }, readyMs });
    {
      await using _held = await hold();
      await expect(again(2_000)).rejects.toMatchObject({ name: 'TimeoutError' });
    }
    etcd = await again(20_000);
    using asked = new EtcdClient(etcd.endpoint);
    const last = await asked.get(Buffer.from(`/registry/configmaps/default/c${KEYS - 1}`), signal());
    expect(last).toEqual(Buffer.alloc(2_000, KEYS - 1));
  });

  it('is found wanting once its log is altered or gone, and leaves nothing when it is removed', async () => {
    await etcd.kill();
    const { id, offline } = await saveOffline();
    const [first] = offline.files;
    const path = join(store.logOf(id), first?.path ?? '');
    await appendFile(path, 'x');
    expect((await store.verify(id, signal())).refusals).toMatchObject([{ code: 'SNAPSHOT_CARD_MISMATCH' }]);
    await rm(path);
    expect((await store.verify(id, signal())).refusals).toMatchObject([
      { code: 'SNAPSHOT_CARD_MISMATCH', message: expect.stringContaining('is gone') },
    ]);
    await store.remove(id);
    expect(await readdir(join(directory, 'snapshots'))).toEqual([]);
  });

  it('is whole without its log where it was brought to, but not where it was taken', async () => {
    await etcd.kill();
    const { id } = await saveOffline();
    const elsewhere = join(directory, 'elsewhere');
    await mkdir(elsewhere);
    for (const name of [`${id}.db`, `${id}.json`]) {
      await copyFile(join(directory, 'snapshots', name), join(elsewhere, name));
    }
    const on = (node: string) =>
      new SnapshotStore({ directory: elsewhere, hostDirectory: '/snapshots', node });
    expect((await on('cp2').verify(id, signal())).refusals).toEqual([]);
    expect((await on('cp1').verify(id, signal())).refusals).toMatchObject([
      { code: 'SNAPSHOT_CARD_MISMATCH', message: expect.stringContaining('is gone') },
    ]);
  });
});
