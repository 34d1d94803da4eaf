import { constants, existsSync, readFileSync, statSync } from 'node:fs';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  absentAsUndefined,
  errorCodeOf,
  HostFiles,
  syncPath,
  withFile,
} from '@lockstep/agent/adapters/host-files.ts';
import { HostRoot } from '@lockstep/agent/adapters/host-root.ts';
import { copyTree } from '@lockstep/agent/adapters/store-trees.ts';
import { HostStores } from '@lockstep/agent/adapters/stores.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { scratchDirectory } from './support/scratch.ts';
import { writeStore } from './support/stores.ts';
import { syncedBy } from './support/synced.ts';
import { tracedBy } from './support/traced.ts';

/** In what order things reach the disk, and that nothing reaches it for who gave up. */
const soon = (): AbortSignal => deadline(30_000);
const IN_PLACE = '/data/etcd';
const STAGING = '/data/.lockstep/op-1';
const OTHER = `${STAGING}/store`;
const LOCK_DB = `${IN_PLACE}/member/snap/db`;
const nothing = async (): Promise<void> => {};

let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
let real: (path: string) => string;
let files: HostFiles;
let stores: HostStores;
beforeEach(async () => {
  scratch = await scratchDirectory();
  real = (path) => join(scratch.path, path);
  await mkdir(real(STAGING), { recursive: true });
  const syscalls = new Syscalls();
  files = new HostFiles(new HostRoot(scratch.path, [{ path: '/data', access: 'write' }]), syscalls);
  stores = new HostStores(files, syscalls, '/data/state');
});
afterEach(() => scratch[Symbol.asyncDispose]());

/** Entries of a tree below and with its root, each before the directory that holds it. */
async function treeOf(path: string): Promise<string[]> {
  const stats = await lstat(path);
  const names = stats.isDirectory() ? await readdir(path) : [];
  return [...(await Promise.all(names.map((name) => treeOf(join(path, name))))).flat(), path];
}

describe('a file that is written', () => {
  test('is closed to others, whole and synced before it has its name, and its name is synced', async () => {
    await writeFile(real('/data/plan'), 'first');
    const draft = real('/data/.plan.lockstep-new');
    const seen: string[] = [];
    const calls = await tracedBy(
      () => files.write('/data/plan', 'second', 0o600, soon()),
      (call) => {
        if (call.startsWith('sync'))
          seen.push(`${call.split('/').at(-1)}: ${readFileSync(real('/data/plan'), 'utf8')}`);
        if (call === `sync ${draft}`) seen.push(readFileSync(draft, 'utf8'));
      },
    );
    expect(calls).toEqual([`chmod ${draft}`, `writeFile ${draft}`, `sync ${draft}`, `sync ${real('/data')}`]);
    expect(seen).toEqual(['.plan.lockstep-new: first', 'second', 'data: second']);
  });

  test('on a full disk says so', async () => {
    await expect(
      withFile('/dev/full', constants.O_WRONLY, 0, (handle) => handle.writeFile('x')),
    ).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(
      withFile('/dev/null', constants.O_WRONLY, 0, () =>
        Promise.reject(Object.assign(new Error('no quota'), { code: 'EDQUOT' })),
      ),
    ).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(withFile(real('/data/none'), constants.O_RDONLY, 0, nothing)).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test('is not synced where the kernel cannot, and says so', async () => {
    // A character device has no pages to write back.
    await expect(syncPath('/dev/null')).rejects.toMatchObject({ code: 'SYNC_FAILED' });
  });
});

describe('names', () => {
  test('that changed are synced where they appeared first', async () => {
    await mkdir(real('/data/parked'));
    await writeFile(real('/data/a'), 'a');
    const moves = [{ from: '/data/a', to: '/data/parked/a' }];
    expect(await syncedBy(() => files.moveAll(moves, soon()))).toEqual([real('/data/parked'), real('/data')]);
  });

  test('that are of one file too many go to its copy, durably, and only of a true copy', async () => {
    await mkdir(real('/data/parked'));
    await writeFile(real('/data/a'), 'a');
    await writeFile(real('/data/parked/a'), 'a');
    await writeFile(real('/data/parked/b'), 'b');
    await symlink('/data/a', real('/data/link'));
    expect(await files.areCopies('/data/a', '/data/parked/a', soon())).toBe(true);
    expect(await files.areCopies('/data/a', '/data/parked/b', soon())).toBe(false);
    // A link and what it leads to are one file: neither may go.
    expect(await files.areCopies('/data/link', '/data/a', soon())).toBe(false);
    expect(await files.areCopies('/data/a', '/data/link', soon())).toBe(false);
    const { ino } = await lstat(real('/data/a'));
    const seen: [string, boolean, boolean][] = [];
    await tracedBy(
      () => files.moveOverCopy('/data/a', '/data/parked/a', soon()),
      (call) => seen.push([call, existsSync(real('/data/a')), statSync(real('/data/parked/a')).ino === ino]),
    );
    expect(seen).toEqual([
      [`sync ${real('/data/parked')}`, false, true],
      [`sync ${real('/data')}`, false, true],
    ]);
  });

  test('of one inode are one name once it is moved over itself, which is durable first', async () => {
    await mkdir(real('/data/parked'));
    await writeFile(real('/data/a'), 'a');
    await link(real('/data/a'), real('/data/parked/a'));
    const seen: [string, boolean][] = [];
    await tracedBy(
      () => files.moveOverCopy('/data/a', '/data/parked/a', soon()),
      (call) => seen.push([call, existsSync(real('/data/a'))]),
    );
    expect(seen).toEqual([
      [`sync ${real('/data/parked')}`, true],
      [`sync ${real('/data')}`, false],
    ]);
    expect(readFileSync(real('/data/parked/a'), 'utf8')).toBe('a');
  });

  test('that went are gone before that is made durable', async () => {
    await writeFile(real('/data/hold'), '');
    let wasThere: boolean | undefined;
    const run = async (): Promise<void> => expect(await files.remove('/data/hold', soon())).toBe(true);
    const calls = await tracedBy(run, () => {
      wasThere = existsSync(real('/data/hold'));
    });
    expect(calls).toEqual([`sync ${real('/data')}`]);
    expect(wasThere).toBe(false);
    expect(await files.remove('/data/hold', soon())).toBe(false);
    expect(await files.remove('/data/none/hold', soon())).toBe(false);
  });

  test('that nothing bears are absent, and so is a list of what is no directory', async () => {
    await writeFile(real('/data/file'), '');
    expect(await files.exists('/data/file', soon())).toBe(true);
    expect(await files.exists('/data/none', soon())).toBe(false);
    expect(await files.list('/data/none', soon())).toEqual([]);
    expect(await files.list('/data/file', soon())).toEqual([]);
    expect(await files.list('/data', soon())).toContain('file');
    expect(await files.readIfThere('/data/none/below', soon())).toBeUndefined();
  });

  test('that cannot be looked at are not taken for absent', async () => {
    const broken = (code: unknown): Promise<never> => Promise.reject(Object.assign(new Error('x'), { code }));
    await expect(absentAsUndefined(broken('EIO'))).rejects.toMatchObject({ code: 'EIO' });
    await expect(absentAsUndefined(broken(5))).rejects.toMatchObject({ code: 5 });
    expect([errorCodeOf({ code: 'EIO' }), errorCodeOf({ code: 5 }), errorCodeOf({})]).toEqual([
      'EIO',
      undefined,
      undefined,
    ]);
    expect([errorCodeOf(null), errorCodeOf(undefined), errorCodeOf('EIO')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('an exchange', () => {
  beforeEach(async () => {
    await writeStore(real(IN_PLACE), 'old');
    await writeStore(real(OTHER), 'new');
  });
  const request = (prove: () => Promise<void> = nothing) => ({
    inPlace: IN_PLACE,
    other: OTHER,
    lockDb: LOCK_DB,
    prove,
  });
  const inPlace = (): string => readFileSync(real(LOCK_DB), 'utf8');

  test('is proven, made, synced in both directories and proven again, in that order', async () => {
    const seen: string[] = [];
    const prove = async (): Promise<void> => {
      seen.push(`prove over ${inPlace()}`);
    };
    await tracedBy(
      () => stores.exchange(request(prove), soon()),
      (call) => {
        seen.push(`${call.replace(scratch.path, '')} over ${inPlace()}`);
      },
    );
    expect(seen).toEqual([
      'prove over old',
      'sync /data over new',
      `sync ${STAGING} over new`,
      'prove over new',
    ]);
  });

  test('syncs one directory once', async () => {
    await writeStore(real('/data/beside'), 'new');
    const run = (): Promise<void> => stores.exchange({ ...request(), other: '/data/beside' }, soon());
    expect(await syncedBy(run)).toEqual([real('/data')]);
  });

  test('does not happen for who gave up while it was proven', async () => {
    const controller = new AbortController();
    const prove = async (): Promise<void> => controller.abort();
    await expect(stores.exchange(request(prove), controller.signal)).rejects.toThrow(/abort/);
    expect(inPlace()).toBe('old');
  });

  test.each([
    ['the store in place', LOCK_DB],
    ['the store beside it', `${OTHER}/member/snap/db`],
  ])('does not happen while somebody holds the lock of %s', async (_which, db) => {
    const syscalls = new Syscalls();
    await using held = await open(real(db));
    expect(syscalls.tryLock(held.fd)).toBe(true);
    await expect(stores.exchange(request(), soon())).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    expect(inPlace()).toBe('old');
  });

  test('and a copy of a stopped member hold the lock for as long as they last, and wait for nobody', async () => {
    const syscalls = new Syscalls();
    await using held = await open(real(LOCK_DB));
    {
      await using _lock = await stores.lockDatabase(LOCK_DB, soon());
      expect(syscalls.tryLock(held.fd)).toBe(false);
    }
    expect(syscalls.tryLock(held.fd)).toBe(true);
    await expect(stores.lockDatabase(LOCK_DB, soon())).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  });

  test('of member/ alone takes the lock of the one that comes in', async () => {
    const syscalls = new Syscalls();
    await using held = await open(real(`${OTHER}/member/snap/db`));
    expect(syscalls.tryLock(held.fd)).toBe(true);
    const member = { ...request(), inPlace: `${IN_PLACE}/member`, other: `${OTHER}/member` };
    await expect(stores.exchange(member, soon())).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  });

  test('follows no link to what it locks', async () => {
    await symlink(real(LOCK_DB), real(`${IN_PLACE}/member/snap/link`));
    const linked = { ...request(), lockDb: `${IN_PLACE}/member/snap/link` };
    // The wall resolves a link that was there before; one in its place since is refused by the kernel.
    const own = new HostStores(
      { realPath: (path: string) => real(path) } as unknown as HostFiles,
      new Syscalls(),
      '/data/state',
    );
    await expect(own.exchange(linked, soon())).rejects.toMatchObject({ code: 'STORE_NOT_AS_RECORDED' });
    expect(inPlace()).toBe('old');
  });

  test('identifies directories, nothing, and nothing else', async () => {
    expect(await stores.inodeOf(IN_PLACE, soon())).toMatchObject({ number: expect.any(BigInt) });
    expect(await stores.inodeOf('/data/none', soon())).toBeUndefined();
    await expect(stores.inodeOf(LOCK_DB, soon())).rejects.toMatchObject({ code: 'STORE_NOT_AS_RECORDED' });
  });
});

describe('an adopted tree', () => {
  beforeEach(async () => {
    await writeStore(real(IN_PLACE), 'old');
    await writeStore(real(OTHER), 'new');
  });

  test('is synced whole, the lowest first, with its name, as it is in the end', async () => {
    await chmod(real(LOCK_DB), 0o640);
    const run = (): Promise<void> => stores.adopt(OTHER, IN_PLACE, soon());
    const db = real(`${OTHER}/member/snap/db`);
    const modes: string[] = [];
    const calls = await tracedBy(run, (call) => {
      if (call === `sync ${db}`) modes.push((statSync(db).mode & 0o777).toString(8));
    });
    const synced = calls.flatMap((call) => (call.startsWith('sync ') ? [call.slice('sync '.length)] : []));
    const tree = await treeOf(real(OTHER));
    expect(synced.slice(0, tree.length).toSorted()).toEqual(tree.toSorted());
    for (const path of tree.slice(0, -1)) {
      expect(synced.indexOf(path)).toBeLessThan(synced.indexOf(dirname(path)));
    }
    expect(synced[tree.length]).toBe(real(STAGING));
    expect(modes).toEqual(['640']);
  });

  test('follows a model that is there, kind by kind', async () => {
    await expect(stores.adopt(OTHER, '/data/none', soon())).rejects.toMatchObject({
      code: 'STORE_NOT_AS_RECORDED',
    });
    // A name that is a directory in the model and a file here.
    await mkdir(real(`${IN_PLACE}/member/odd`), { mode: 0o755 });
    await writeFile(real(`${OTHER}/member/odd`), '', { mode: 0o644 });
    await mkdir(real(`${OTHER}/member/extra`), { mode: 0o777 });
    await stores.adopt(OTHER, IN_PLACE, soon());
    expect((await lstat(real(`${OTHER}/member/odd`))).mode & 0o777).toBe(0o600);
    expect((await lstat(real(`${OTHER}/member/extra`))).mode & 0o777).toBe(0o700);
  });

  test.skipIf(process.getuid?.() !== 0)('has the owner and the group of its model', async () => {
    await chown(real(IN_PLACE), 1234, 0);
    await chown(real(LOCK_DB), 0, 4321);
    await stores.adopt(OTHER, IN_PLACE, soon());
    const owner = async (path: string): Promise<number[]> => {
      const { uid, gid } = await lstat(real(path));
      return [uid, gid];
    };
    expect(await owner(OTHER)).toEqual([1234, 0]);
    expect(await owner(`${OTHER}/member/snap/db`)).toEqual([0, 4321]);
  });

  test('leaves alone what lies in it and is not its own', async () => {
    await writeStore(real(`${IN_PLACE}/.lockstep/op-1/store`), 'inner');
    await chmod(real(`${IN_PLACE}/.lockstep/op-1/store`), 0o711);
    await stores.adopt(IN_PLACE, OTHER, soon());
    expect((await lstat(real(`${IN_PLACE}/.lockstep/op-1/store`))).mode & 0o777).toBe(0o711);
  });

  test('takes nothing where its last directory changed hands under it', async () => {
    await stores.adopt(OTHER, IN_PLACE, soon());
    const kept = JSON.parse(await readFile(real(`${STAGING}/keep.json`), 'utf8')) as string[];
    const { dev, ino } = await lstat(real(IN_PLACE), { bigint: true });
    expect(kept).toContain(`${dev}:${ino}`);
    expect(kept).toHaveLength((await treeOf(real(IN_PLACE))).length - 2);
  });
});

describe('what an operation removes', () => {
  test.each([
    ['of no operation', `${STAGING}/store`, ''],
    ['of a path for a name', '/data/.lockstep/a/b', 'a/b'],
    ['that climbs', `${STAGING}/../../etcd`, 'op-1'],
    ['of another’s, for who names none', '/data/state/operations/op-9', ''],
    ['of a path for a name, in the state directory', '/data/state/operations/a/b', 'a/b'],
    ['that only ends alike', '/data/lockstep/op-1', 'op-1'],
    ['of another’s', '/data/.lockstep/op-2', 'op-1'],
  ])('is nothing %s', async (_what, path, operationId) => {
    await mkdir(real('/data/.lockstep/a/b'), { recursive: true });
    await expect(stores.removeOwnTree(path, operationId, soon())).rejects.toMatchObject({
      code: 'PATH_NOT_ALLOWED',
    });
  });

  test('is gone before its name is, and is synced', async () => {
    await mkdir(real('/data/state/operations/op-1/evidence'), { recursive: true });
    let wasThere: boolean | undefined;
    const run = (): Promise<void> => stores.removeOwnTree('/data/state/operations/op-1', 'op-1', soon());
    const calls = await tracedBy(run, () => {
      wasThere = existsSync(real('/data/state/operations/op-1'));
    });
    expect(calls).toEqual([`sync ${real('/data/state/operations')}`]);
    expect(wasThere).toBe(false);
    await expect(stores.removeOwnTree('/data/gone/.lockstep/op-1', 'op-1', soon())).resolves.toBeUndefined();
  });

  test('stays where its own note of what is kept names nothing', async () => {
    await writeStore(real(OTHER), 'new');
    await writeFile(real(`${STAGING}/keep.json`), '[1, null, {}]');
    await stores.removeOwnTree(OTHER, 'op-1', soon());
    expect(await stores.inodeOf(OTHER, soon())).toBeUndefined();
  });
});

describe('a copied store', () => {
  beforeEach(() => writeStore(real(IN_PLACE), 'old'));

  test('is synced whole, each file once it is written, then its name', async () => {
    const target = real(`${STAGING}/copy`);
    const seen: string[] = [];
    const run = (): Promise<void> => stores.copyStore(IN_PLACE, `${STAGING}/copy`, soon());
    const calls = await tracedBy(run, (call) => {
      if (call.endsWith('/snap/db')) seen.push(readFileSync(join(target, 'member/snap/db'), 'utf8'));
    });
    const synced = calls.map((call) => call.slice('sync '.length));
    expect(synced.slice(0, -1).toSorted()).toEqual((await treeOf(target)).toSorted());
    expect(synced.at(-1)).toBe(real(STAGING));
    expect(seen).toEqual(['old']);
  });

  test('is written over nothing', async () => {
    await stores.copyStore(IN_PLACE, `${STAGING}/copy`, soon());
    await expect(stores.copyStore(IN_PLACE, `${STAGING}/copy`, soon())).rejects.toMatchObject({
      code: 'EEXIST',
    });
    await expect(copyTree(real(IN_PLACE), real(`${STAGING}/copy`), soon())).rejects.toMatchObject({
      code: 'EEXIST',
    });
    await expect(copyTree(real(IN_PLACE), real(`${STAGING}/none/copy`), soon())).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

test('free space is that of the nearest directory that is there', async () => {
  expect(await stores.freeBytes('/data/not/yet/made', soon())).toBe(await stores.freeBytes('/data', soon()));
});

describe('who gave up', () => {
  const gone = AbortSignal.abort(new Error('given up'));
  const calls: [string, () => Promise<unknown>][] = [
    ['lists', () => files.list('/data', gone)],
    ['reads', () => files.read('/data/file', gone)],
    ['looks', () => files.exists('/data/file', gone)],
    ['writes', () => files.write('/data/file', 'x', 0o600, gone)],
    ['moves', () => files.moveAll([{ from: '/data/file', to: '/data/moved' }], gone)],
    ['moves over a copy', () => files.moveOverCopy('/data/file', '/data/moved', gone)],
    ['removes', () => files.remove('/data/file', gone)],
    ['makes directories', () => files.makeDirectory('/data/made', 0o700, gone)],
    ['syncs names', () => files.syncNamesIn(['/data'], gone)],
    ['identifies', () => stores.inodeOf('/data', gone)],
    ['locks', () => stores.lockDatabase('/data/file', gone)],
    ['syncs stores’ names', () => stores.syncNames(['/data/file'], gone)],
    ['removes trees', () => stores.removeOwnTree(STAGING, 'op-1', gone)],
    ['measures', () => stores.freeBytes('/data', gone)],
    ['adopts', () => stores.adopt(STAGING, '/data', gone)],
    ['copies', () => copyTree(real('/data'), real(STAGING), gone)],
  ];

  test.each(calls)('%s no more', async (_what, call) => {
    await writeFile(real('/data/file'), 'as it was');
    const before = await treeOf(scratch.path);
    await chmod(real(STAGING), 0o711);
    await expect(call()).rejects.toThrow(/given up|abort/);
    expect(await treeOf(scratch.path)).toEqual(before);
    expect((await lstat(real(STAGING))).mode & 0o777).toBe(0o711);
    expect(await readFile(real('/data/file'), 'utf8')).toBe('as it was');
  });

  test('stops a copy between two files', async () => {
    await writeStore(real(IN_PLACE), 'old');
    await mkdir(real(OTHER));
    const controller = new AbortController();
    const run = (): Promise<void> => copyTree(real(IN_PLACE), real(OTHER), controller.signal);
    await expect(tracedBy(run, () => controller.abort(new Error('given up')))).rejects.toThrow('given up');
    const copied = (await treeOf(real(OTHER))).filter(
      (path) => /db$|wal$/.test(path) && !path.endsWith('/wal'),
    );
    expect(copied).toHaveLength(1);
  });
});
