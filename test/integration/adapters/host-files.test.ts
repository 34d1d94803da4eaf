import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { HostFiles } from '@lockstep/agent/adapters/host-files.ts';
import { type AllowedPrefix, HostRoot, isSystemPath, isWithin } from '@lockstep/agent/adapters/host-root.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { scratchDirectory } from './support/scratch.ts';
import { writeStore } from './support/stores.ts';
import { syncedBy } from './support/synced.ts';

const soon = (): AbortSignal => deadline(10_000);
let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
let root: string;
beforeEach(async () => {
  scratch = await scratchDirectory();
  root = scratch.path;
  await mkdir(join(root, 'var/lib/etcd'), { recursive: true });
  await mkdir(join(root, 'etc/kubernetes/manifests'), { recursive: true });
});
afterEach(() => scratch[Symbol.asyncDispose]());

const PREFIXES: readonly AllowedPrefix[] = [
  { path: '/var/lib/etcd', access: 'write' },
  { path: '/etc/kubernetes', access: 'read' },
];
const hostRoot = (discover?: () => readonly AllowedPrefix[]): HostRoot =>
  new HostRoot(root, PREFIXES, discover);

describe('the wall around host paths', () => {
  test('lets through what lies below an allowed prefix, there or not', () => {
    expect(hostRoot().resolve('/var/lib/etcd/member/snap/db', 'write')).toBe(
      join(root, 'var/lib/etcd/member/snap/db'),
    );
    expect(hostRoot().resolve('/etc/kubernetes/pki/ca.crt', 'read')).toBe(
      join(root, 'etc/kubernetes/pki/ca.crt'),
    );
  });

  test.each([
    ['/var/lib/etcd2', 'read'],
    ['/var/lib', 'read'],
    ['/', 'read'],
    ['/etc/kubernetes/manifests/etcd.yaml', 'write'],
    ['/var/lib/etcd/../../../etc/shadow', 'read'],
    ['var/lib/etcd', 'read'],
    ['/var/lib/etcd/\0', 'read'],
  ] as const)('refuses %j for %s', (path, access) => {
    expect(() => hostRoot().resolve(path, access)).toThrow(
      expect.objectContaining({ code: 'PATH_NOT_ALLOWED' }),
    );
  });

  test('follows a link as a chroot would', async () => {
    await mkdir(join(root, 'srv/etcd/member'), { recursive: true });
    await rm(join(root, 'var/lib/etcd'), { recursive: true });
    // The data directory is itself a link: where it leads is what was allowed.
    await symlink('/srv/etcd', join(root, 'var/lib/etcd'));
    expect(hostRoot().resolve('/var/lib/etcd/member', 'write')).toBe(join(root, 'srv/etcd/member'));
  });

  test.each([
    ['absolute, out of the prefix', '/etc/shadow'],
    ['climbing out of the prefix', '../../../../../../etc/shadow'],
    ['climbing beyond the root', '../../../../../../../../../../tmp'],
    ['to itself', 'loop'],
  ])('refuses a link %s', async (_, target) => {
    await symlink(target, join(root, 'var/lib/etcd/loop'));
    expect(() => hostRoot().resolve('/var/lib/etcd/loop/x', 'write')).toThrow(
      expect.objectContaining({ code: 'PATH_NOT_ALLOWED' }),
    );
  });

  test('asks what the node allows only when it must, and remembers', () => {
    let asked = 0;
    const wall = hostRoot(() => {
      asked += 1;
      return asked === 1 ? [{ path: '/data/etcd', access: 'write' }] : [];
    });
    wall.resolve('/var/lib/etcd', 'write');
    expect(asked).toBe(0);
    wall.resolve('/data/etcd/member', 'write');
    wall.resolve('/data/etcd/member', 'write');
    expect(asked).toBe(1);
  });

  test('no manifest makes a system directory writable', () => {
    const wall = hostRoot(() => [{ path: '/etc', access: 'write' }]);
    expect(() => wall.resolve('/etc/passwd', 'write')).toThrow(/not allowed/);
    expect(isSystemPath('/usr/lib')).toBe(true);
    expect(isSystemPath('/var/lib/etcd')).toBe(false);
    expect(isWithin('/var/lib/etcd', '/var/lib/etcd2')).toBe(false);
  });
});

describe('durable files', () => {
  const files = (): HostFiles => new HostFiles(hostRoot(), new Syscalls());

  test('are written whole, with their mode, and leave no draft', async () => {
    await files().write('/var/lib/etcd/plan', 'first', 0o640, soon());
    await files().write('/var/lib/etcd/plan', 'second', 0o600, soon());
    const real = join(root, 'var/lib/etcd/plan');
    expect(await readFile(real, 'utf8')).toBe('second');
    expect((await stat(real)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(root, 'var/lib/etcd'))).toEqual(['plan']);
  });

  test('a draft that somebody made a link is not written through', async () => {
    await writeFile(join(root, 'victim'), 'untouched');
    await symlink(join(root, 'victim'), join(root, 'var/lib/etcd/.plan.lockstep-new'));
    await expect(files().write('/var/lib/etcd/plan', 'x', 0o600, soon())).rejects.toMatchObject({
      code: 'ELOOP',
    });
    expect(await readFile(join(root, 'victim'), 'utf8')).toBe('untouched');
  });

  test('are moved with their inode, onto nothing', async () => {
    await writeFile(join(root, 'var/lib/etcd/a'), 'a');
    await chmod(join(root, 'var/lib/etcd/a'), 0o604);
    const before = await lstat(join(root, 'var/lib/etcd/a'));
    await files().makeDirectory('/var/lib/etcd/parked/op', 0o700, soon());
    await files().moveAll([{ from: '/var/lib/etcd/a', to: '/var/lib/etcd/parked/op/a' }], soon());
    const after = await lstat(join(root, 'var/lib/etcd/parked/op/a'));
    expect([after.ino, after.mode, after.mtimeMs]).toEqual([before.ino, before.mode, before.mtimeMs]);
    await writeFile(join(root, 'var/lib/etcd/a'), 'b');
    await expect(
      files().moveAll([{ from: '/var/lib/etcd/a', to: '/var/lib/etcd/parked/op/a' }], soon()),
    ).rejects.toMatchObject({ code: 'EEXIST' });
  });

  describe('of which there is a copy', () => {
    const at = (name: string): string => join(root, 'var/lib/etcd', name);
    const areCopies = (): Promise<boolean> =>
      files().areCopies('/var/lib/etcd/kept/a', '/var/lib/etcd/a', soon());
    const moveOver = (): Promise<void> =>
      files().moveOverCopy('/var/lib/etcd/kept/a', '/var/lib/etcd/a', soon());
    beforeEach(async () => {
      await mkdir(at('kept'));
      await writeFile(at('kept/a'), 'a');
    });

    test('are known by their bytes', async () => {
      await writeFile(at('a'), 'a');
      expect(await areCopies()).toBe(true);
      await writeFile(at('a'), 'A');
      expect(await areCopies()).toBe(false);
    });

    test('are none where a link leads from one to the other: it would go with what it leads to', async () => {
      await symlink('kept/a', at('a'));
      expect(await areCopies()).toBe(false);
      await rm(at('a'));
      await rename(at('kept/a'), at('a'));
      await symlink('../a', at('kept/a'));
      expect(await areCopies()).toBe(false);
    });

    test('take its place with their inode, the new name synced first', async () => {
      await writeFile(at('a'), 'a');
      const { ino } = await stat(at('kept/a'));
      expect(await syncedBy(moveOver)).toEqual([join(root, 'var/lib/etcd'), at('kept')]);
      expect((await stat(at('a'))).ino).toBe(ino);
      expect(await readdir(at('kept'))).toEqual([]);
    });

    test('lose their old name also where both are names of one inode', async () => {
      await link(at('kept/a'), at('a'));
      expect(await areCopies()).toBe(true);
      await moveOver();
      expect([await readdir(at('kept')), await readFile(at('a'), 'utf8')]).toEqual([[], 'a']);
    });
  });

  test('are durable also where a try that died before its sync had done the work', async () => {
    const parked = join(root, 'var/lib/etcd/parked');
    await mkdir(join(parked, 'op'), { recursive: true });
    expect(await syncedBy(() => files().makeDirectory('/var/lib/etcd/parked/op', 0o700, soon()))).toEqual([
      parked,
      join(root, 'var/lib/etcd'),
    ]);
    expect(await syncedBy(() => files().remove('/var/lib/etcd/parked/hold', soon()))).toEqual([parked]);
    const names = ['/var/lib/etcd/parked', '/var/lib/etcd/none'];
    expect(await syncedBy(() => files().syncNamesIn(names, soon()))).toEqual([parked]);
  });
});

/** Enough that kills fall before, in and after each system call of the loop. */
const KILLS = 25;

test('killed at any moment, both stores are whole under the two names, and the manifest has one', async () => {
  const data = join(root, 'data');
  for (const directory of ['live', 'parked', '.lockstep/op']) {
    await mkdir(join(data, directory), { recursive: true });
  }
  await writeStore(join(data, 'etcd'), 'old');
  await writeStore(join(data, '.lockstep/op/store'), 'new');
  await writeFile(join(data, 'live/etcd.yaml'), 'manifest');
  const program = join(import.meta.dirname, 'support/exchange-forever.ts');
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = spawn(process.execPath, [program, root], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await delay(1 + ((kill * 7) % 40));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const contents = await Promise.all(
      ['etcd', '.lockstep/op/store'].map((store) => readFile(join(data, store, 'member/snap/db'), 'utf8')),
    );
    expect(contents.toSorted()).toEqual(['new', 'old']);
    const places = await Promise.all(['live', 'parked'].map((place) => readdir(join(data, place))));
    expect(places.flat().filter((name) => name === 'etcd.yaml')).toHaveLength(1);
    const note = await readFile(join(data, 'live/note'), 'utf8').catch(() => '');
    const lines = note.split('\n').filter(Boolean);
    expect([0, 1000]).toContain(lines.length);
    expect(new Set(lines).size).toBeLessThanOrEqual(1);
    if (places[1]?.includes('etcd.yaml') === true) {
      const wall = new HostRoot(root, [{ path: '/data', access: 'write' }]);
      const back = [{ from: '/data/parked/etcd.yaml', to: '/data/live/etcd.yaml' }];
      await new HostFiles(wall, new Syscalls()).moveAll(back, soon());
    }
  }
});
