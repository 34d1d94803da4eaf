import { chmod, chown, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { HostFiles } from '@lockstep/agent/adapters/host-files.ts';
import { HostRoot } from '@lockstep/agent/adapters/host-root.ts';
import { identityIfThere, ProcessTable } from '@lockstep/agent/adapters/process-table.ts';
import { sha256OfFile, ToolStoreBuilder } from '@lockstep/agent/adapters/store-builder.ts';
import { HostStores } from '@lockstep/agent/adapters/stores.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { readWalFacts } from '@lockstep/agent/adapters/wal.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { freePort } from '@lockstep/shared/free-port.ts';
import { EtcdMemberPlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';
import { startEtcd } from './support/etcd-process.ts';
import { scratchDirectory } from './support/scratch.ts';
import { writeStore } from './support/stores.ts';
import { syncedBy } from './support/synced.ts';

const soon = (): AbortSignal => deadline(30_000);
const IN_PLACE = '/data/etcd';
const STAGING = '/data/.lockstep/op-1';
const OTHER = `${STAGING}/store`;
const LOCK_DB = `${IN_PLACE}/member/snap/db`;

let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
let real: (path: string) => string;
let stores: HostStores;
let builder: ToolStoreBuilder;
beforeEach(async () => {
  scratch = await scratchDirectory();
  real = (path) => join(scratch.path, path);
  await mkdir(real(STAGING), { recursive: true });
  const syscalls = new Syscalls();
  const files = new HostFiles(new HostRoot(scratch.path, [{ path: '/data', access: 'write' }]), syscalls);
  stores = new HostStores(files, syscalls, '/data/state');
  builder = new ToolStoreBuilder(files);
});
afterEach(() => scratch[Symbol.asyncDispose]());

const nothing = async (): Promise<void> => {};

describe('an exchange', () => {
  beforeEach(async () => {
    await writeStore(real(IN_PLACE), 'old');
    await writeStore(real(OTHER), 'new');
  });

  test('is proven under the lock, before and after', async () => {
    const seen: string[] = [];
    const prove = async (): Promise<void> => {
      seen.push(await readFile(real(LOCK_DB), 'utf8'));
      const locks = new ProcessTable().locks().filter(({ pid }) => pid === process.pid);
      for (const store of [IN_PLACE, OTHER]) {
        const db = identityIfThere(real(`${store}/member/snap/db`));
        expect(locks.some(({ kind, file }) => kind === 'FLOCK' && file.inode === db?.inode)).toBe(true);
      }
    };
    const before = await stores.inodeOf(IN_PLACE, soon());
    await stores.exchange({ inPlace: IN_PLACE, other: OTHER, lockDb: LOCK_DB, prove }, soon());
    expect(seen).toEqual(['old', 'new']);
    expect(await stores.inodeOf(OTHER, soon())).toEqual(before);
    expect(new ProcessTable().locks().filter(({ pid }) => pid === process.pid)).toEqual([]);
  });

  test('does not happen where the proof fails', async () => {
    const prove = (): Promise<void> => Promise.reject(new Error('somebody is there'));
    const request = { inPlace: IN_PLACE, other: OTHER, lockDb: LOCK_DB, prove };
    await expect(stores.exchange(request, soon())).rejects.toThrow('somebody is there');
    expect(await readFile(real(LOCK_DB), 'utf8')).toBe('old');
  });

  test('never makes the file that it locks', async () => {
    const lockDb = `${IN_PLACE}/member/snap/missing`;
    const request = { inPlace: IN_PLACE, other: OTHER, lockDb, prove: nothing };
    await expect(stores.exchange(request, soon())).rejects.toMatchObject({ code: 'STORE_NOT_AS_RECORDED' });
    expect(await readdir(real(`${IN_PLACE}/member/snap`))).toEqual(['db']);
  });

  test('syncs both names, and again for who comes after one that died before that', async () => {
    const both = [real('/data'), real(STAGING)];
    const request = { inPlace: IN_PLACE, other: OTHER, lockDb: LOCK_DB, prove: nothing };
    expect(await syncedBy(() => stores.exchange(request, soon()))).toEqual(both);
    expect(await syncedBy(() => stores.syncNames([IN_PLACE, OTHER], soon()))).toEqual(both);
    expect(await syncedBy(() => stores.syncNames([IN_PLACE, '/data/none/store'], soon()))).toEqual([
      real('/data'),
    ]);
  });

  test('of what is not there fails and leaves what is', async () => {
    const request = { inPlace: IN_PLACE, other: `${STAGING}/none`, lockDb: LOCK_DB, prove: nothing };
    await expect(stores.exchange(request, soon())).rejects.toMatchObject({ code: 'EXCHANGE_FAILED' });
    expect(await readFile(real(LOCK_DB), 'utf8')).toBe('old');
  });

  test('of member/ alone, where the data directory is a mount point', async () => {
    await stores.exchange(
      {
        inPlace: `${IN_PLACE}/member`,
        other: `${OTHER}/member`,
        lockDb: LOCK_DB,
        prove: nothing,
      },
      soon(),
    );
    expect(await readFile(real(LOCK_DB), 'utf8')).toBe('new');
  });
});

describe('an adopted tree', () => {
  test('has the owner and modes of its model, and what is new follows its kind', async () => {
    await writeStore(real(IN_PLACE), 'old');
    await chmod(real(IN_PLACE), 0o710);
    await chmod(real(LOCK_DB), 0o640);
    // Only root may give files away; anybody else sees that its own stay its own.
    const owner = process.getuid?.() === 0 ? 1234 : (await lstat(real(IN_PLACE))).uid;
    await chown(real(IN_PLACE), owner, (await lstat(real(IN_PLACE))).gid);
    await writeStore(real(OTHER), 'new');
    await writeFile(real(`${OTHER}/member/snap/0000000000000001-0000000000000003.snap`), 's', {
      mode: 0o644,
    });
    await stores.adopt(OTHER, IN_PLACE, soon());
    const seen = async (path: string) => (await lstat(real(`${OTHER}${path}`))).mode & 0o7777;
    expect(await seen('')).toBe(0o710);
    expect(await seen('/member/snap/db')).toBe(0o640);
    expect(await seen('/member/snap/0000000000000001-0000000000000003.snap')).toBe(0o640);
    expect(await seen('/member/wal')).toBe(0o700);
    expect((await lstat(real(OTHER))).uid).toBe(owner);
  });

  test('holds no symbolic link', async () => {
    await writeStore(real(IN_PLACE), 'old');
    await writeStore(real(OTHER), 'new');
    await symlink('/etc/shadow', real(`${OTHER}/member/snap/link`));
    await expect(stores.adopt(OTHER, IN_PLACE, soon())).rejects.toMatchObject({ code: 'PATH_NOT_ALLOWED' });
  });
});

describe('what an operation removes', () => {
  test.each([
    IN_PLACE,
    '/data/.lockstep',
    '/data/.lockstep/op-2/store',
    '/data/state',
    '/data/operations/op-1',
  ])('is never %s', async (path) => {
    await mkdir(real(path), { recursive: true });
    await expect(stores.removeOwnTree(path, 'op-1', soon())).rejects.toMatchObject({
      code: 'PATH_NOT_ALLOWED',
    });
    expect(await readdir(real(path))).toBeDefined();
  });

  test.each([
    ['an operation without a name', '/data/state/operations/op-1', ''],
    ['a name that leads elsewhere', '/data/state/operations/op-1', 'x/../op-1'],
    ['a name that leads into another’s', '/data/state/operations/op-1/store', 'op-1/store'],
    ['a path that leads elsewhere', `${STAGING}/../op-2`, 'op-1'],
    ['another operation’s', '/data/state/operations/op-1', 'op-2'],
  ])('are not %s', async (_what, path, operationId) => {
    await mkdir(real('/data/state/operations/op-1/store'), { recursive: true });
    await mkdir(real('/data/.lockstep/op-2'), { recursive: true });
    await expect(stores.removeOwnTree(path, operationId, soon())).rejects.toMatchObject({
      code: 'PATH_NOT_ALLOWED',
    });
  });

  test('is NEW, but not OLD in its place', async () => {
    await writeStore(real(IN_PLACE), 'old');
    await writeStore(real(OTHER), 'new');
    await stores.adopt(OTHER, IN_PLACE, soon());
    await stores.exchange({ inPlace: IN_PLACE, other: OTHER, lockDb: LOCK_DB, prove: nothing }, soon());
    for (const path of [OTHER, STAGING]) {
      await expect(stores.removeOwnTree(path, 'op-1', soon())).rejects.toMatchObject({
        code: 'STORE_NOT_AS_RECORDED',
      });
    }
    const lockDb = `${OTHER}/member/snap/db`;
    await stores.exchange({ inPlace: IN_PLACE, other: OTHER, lockDb, prove: nothing }, soon());
    await stores.removeOwnTree(STAGING, 'op-1', soon());
    await stores.removeOwnTree(STAGING, 'op-1', soon());
    expect(await readdir(real('/data/.lockstep'))).toEqual([]);
    expect(await readFile(real(LOCK_DB), 'utf8')).toBe('old');
  });
});

describe('with a real etcd', () => {
  test('a running member’s store is locked and open, and is neither once it is killed', async () => {
    const etcd = await startEtcd({ directory: scratch.path, dataDir: real(IN_PLACE) });
    await writeStore(real(OTHER), 'new');
    const request = { inPlace: IN_PLACE, other: OTHER, lockDb: LOCK_DB, prove: nothing };
    const table = new ProcessTable();
    const db = identityIfThere(real(LOCK_DB)) ?? { device: '', inode: 0n };
    try {
      await expect(stores.exchange(request, soon())).rejects.toMatchObject({ code: 'STORE_LOCKED' });
      expect((await table.openFiles([db], soon())).map(({ pid }) => pid)).toContain(etcd.pid);
      const lock = table.locks().find(({ pid }) => pid === etcd.pid);
      expect(lock).toMatchObject({ kind: 'FLOCK', access: 'WRITE', file: db });
      const port = Number(new URL(etcd.endpoint.url).port);
      expect(table.sockets().some(({ state, local }) => state === 'listen' && local.port === port)).toBe(
        true,
      );
    } finally {
      await etcd.kill();
    }
    expect(await table.openFiles([db], soon())).toEqual([]);
    await stores.exchange(request, soon());
    expect(await readFile(real(LOCK_DB), 'utf8')).toBe('new');
  });

  test('a store is built from a snapshot, bumped, adopted and served under its token’s cluster', async () => {
    const { etcd: tools } = await locateTools();
    const old = await startEtcd({ directory: scratch.path, dataDir: real(IN_PLACE) });
    let oldCluster: bigint | undefined;
    let oldWal: Awaited<ReturnType<typeof readWalFacts>>;
    try {
      using client = new EtcdClient(old.endpoint);
      await client.put(Buffer.from('/registry/a'), Buffer.from('before'), soon());
      await writeFile(real('/data/snapshot.db'), client.snapshot(soon()));
      await client.put(Buffer.from('/registry/a'), Buffer.from('after'), soon());
      const status = await client.status(soon());
      oldCluster = status.header?.clusterId;
      oldWal = await readWalFacts(real(`${IN_PLACE}/member/wal`), soon());
      expect(oldWal?.clusterId).toBe(oldCluster?.toString(16));
      expect(oldWal?.memberId).toBe(status.header?.memberId.toString(16));
      expect(oldWal?.lastIndex).toBe(status.raftIndex);
    } finally {
      await old.kill();
    }
    const ports = { client: await freePort(), peer: Number(new URL(old.peerUrl).port) };
    const tool = {
      name: 'etcdutl',
      path: tools.etcdutl,
      sha256: await sha256OfFile(tools.etcdutl, soon()),
      version: tools.version,
      source: 'configured',
    };
    const request = {
      tool,
      snapshotPath: '/data/snapshot.db',
      targetDir: OTHER,
      member: EtcdMemberPlan.create({
        name: 'm1',
        initialCluster: `m1=${old.peerUrl}`,
        initialAdvertisePeerUrls: [old.peerUrl],
      }),
      clusterToken: 'lockstep-op-1',
      bumpBy: 1_000_000n,
    };
    await expect(
      builder.restore({ ...request, tool: { ...tool, sha256: '00' } }, soon()),
    ).rejects.toMatchObject({ code: 'TOOL_MISMATCH' });
    await builder.restore(request, soon());
    await expect(builder.restore(request, soon())).rejects.toMatchObject({ code: 'BUILD_FAILED' });
    await stores.adopt(OTHER, IN_PLACE, soon());
    await stores.exchange({ inPlace: IN_PLACE, other: OTHER, lockDb: LOCK_DB, prove: nothing }, soon());

    const restored = await startEtcd({ directory: scratch.path, dataDir: real(IN_PLACE), ports });
    try {
      using client = new EtcdClient(restored.endpoint);
      expect(Buffer.from((await client.get(Buffer.from('/registry/a'), soon())) ?? []).toString()).toBe(
        'before',
      );
      const { header } = await client.status(soon());
      expect(header?.clusterId).not.toBe(oldCluster);
      expect(header?.revision).toBeGreaterThan(1_000_000n);
    } finally {
      await restored.kill();
    }
  });

  test('etcdutl’s own words come out where it fails, and nothing is taken for a store', async () => {
    const { etcd: tools } = await locateTools();
    await writeFile(real('/data/snapshot.db'), 'no snapshot');
    const tool = {
      name: 'etcdutl',
      path: tools.etcdutl,
      sha256: await sha256OfFile(tools.etcdutl, soon()),
      version: tools.version,
      source: 'configured',
    };
    const member = EtcdMemberPlan.create({
      name: 'm1',
      initialCluster: 'm1=http://127.0.0.1:1',
      initialAdvertisePeerUrls: ['http://127.0.0.1:1'],
    });
    const request = { tool, snapshotPath: '/data/snapshot.db', targetDir: OTHER, member };
    await expect(
      builder.restore({ ...request, clusterToken: 't', bumpBy: undefined }, soon()),
    ).rejects.toMatchObject({ code: 'BUILD_FAILED', message: expect.stringContaining('etcdutl') });
  });
});

test('a stopped store is copied whole, and its source stays as it was', async () => {
  await writeStore(real(IN_PLACE), 'old');
  const before = await lstat(real(LOCK_DB));
  await stores.copyStore(IN_PLACE, `${STAGING}/copy`, soon());
  expect(await readFile(real(`${STAGING}/copy/member/snap/db`), 'utf8')).toBe('old');
  expect((await lstat(real(LOCK_DB))).ctimeMs).toBe(before.ctimeMs);
  expect(await stores.freeBytes(`${STAGING}/not/yet/made`, soon())).toBeGreaterThan(0n);
});
