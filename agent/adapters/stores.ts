import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Inode } from '@lockstep/shared/generated/lockstep/v1/common.ts';

import type { Stores } from '../ports.ts';
import { absentAsUndefined, errorCodeOf, type HostFiles, syncPath } from './host-files.ts';
import { isWithin } from './host-root.ts';
import { adoptTree, copyTree, directoriesOf } from './store-trees.ts';
import type { Syscalls } from './syscalls.ts';

/** Where a store's database lies below a data directory, or below `member/` where that is exchanged. */
const DATABASES = ['member/snap/db', 'snap/db'];
/** Beside NEW: the inodes of OLD's directories, which nothing here may remove. */
const KEEP_FILE = 'keep.json';

export class HostStores implements Stores {
  readonly #files: HostFiles;
  readonly #syscalls: Syscalls;
  readonly #stateDir: string;

  constructor(files: HostFiles, syscalls: Syscalls, stateDir: string) {
    this.#files = files;
    this.#syscalls = syscalls;
    this.#stateDir = stateDir;
  }

  async inodeOf(path: string, signal: AbortSignal): Promise<Inode | undefined> {
    signal.throwIfAborted();
    const stats = await absentAsUndefined(lstat(this.#files.realPath(path, 'read'), { bigint: true }));
    if (stats === undefined) return undefined;
    if (!stats.isDirectory()) {
      throw new LockstepError('STORE_NOT_AS_RECORDED', { message: `'${path}' is no directory.` });
    }
    return { device: stats.dev, number: stats.ino };
  }

  async exchange(
    request: { inPlace: string; other: string; lockDb: string; prove: () => Promise<void> },
    signal: AbortSignal,
  ): Promise<void> {
    const inPlace = this.#files.realPath(request.inPlace, 'write');
    const other = this.#files.realPath(request.other, 'write');
    const lockDb = this.#files.realPath(request.lockDb, 'write');
    await using locks = new StoreLocks(this.#syscalls);
    await locks.take(lockDb, request.lockDb);
    // OLD's lock is what must be had; NEW's is taken where there is a NEW, so that neither is in use.
    for (const directory of [inPlace, other]) {
      for (const database of DATABASES) {
        const path = join(directory, database);
        if (path !== lockDb) await locks.takeIfThere(path);
      }
    }
    await request.prove();
    signal.throwIfAborted();
    // From here on the signal no longer counts: what was exchanged is synced and proven.
    try {
      this.#syscalls.renameExchange(inPlace, other);
    } catch (thrown) {
      throw new LockstepError('EXCHANGE_FAILED', {
        message: `'${request.inPlace}' and '${request.other}' could not be exchanged (${errorCodeOf(thrown) ?? 'unknown'}).`,
        cause: thrown,
      });
    }
    await syncPath(dirname(inPlace));
    if (dirname(other) !== dirname(inPlace)) await syncPath(dirname(other));
    await request.prove();
  }

  /** As the port `LockDatabase` has it. */
  async lockDatabase(path: string, signal: AbortSignal): Promise<AsyncDisposable> {
    signal.throwIfAborted();
    const locks = new StoreLocks(this.#syscalls);
    try {
      await locks.take(this.#files.realPath(path, 'read'), path);
      return locks;
    } catch (thrown) {
      await locks[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  async syncNames(paths: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const parents = paths.map((path) => dirname(this.#files.realPath(path, 'write')));
    for (const parent of parents) await absentAsUndefined(syncPath(parent));
  }

  async adopt(tree: string, model: string, signal: AbortSignal): Promise<void> {
    const realModel = this.#files.realPath(model, 'read');
    await adoptTree(this.#files.realPath(tree, 'write'), realModel, signal);
    const keep = (await directoriesOf(realModel, signal)).map(({ inode }) => inode);
    await this.#files.write(join(dirname(tree), KEEP_FILE), `${JSON.stringify(keep)}\n`, 0o600, signal);
  }

  makeDirectory(path: string, mode: number, signal: AbortSignal): Promise<void> {
    return this.#files.makeDirectory(path, mode, signal);
  }

  async removeOwnTree(path: string, operationId: string, signal: AbortSignal): Promise<void> {
    if (!this.#isOwn(path, operationId)) {
      throw new LockstepError('PATH_NOT_ALLOWED', {
        message: `'${path}' is not one of operation ${operationId}'s own directories.`,
      });
    }
    const real = this.#files.realPath(path, 'write');
    const kept = new Set([
      ...(await this.#keptInodes(path, signal)),
      ...(await this.#keptInodes(join(path, 'store'), signal)),
    ]);
    const old = (await directoriesOf(real, signal)).find(({ inode }) => kept.has(inode));
    if (old !== undefined) {
      throw new LockstepError('STORE_NOT_AS_RECORDED', {
        message: `'${path}' holds OLD (inode ${old.inode}); it is kept until it is purged.`,
      });
    }
    signal.throwIfAborted();
    await rm(real, { recursive: true, force: true });
    const parent = await absentAsUndefined(lstat(dirname(real)));
    if (parent !== undefined) await syncPath(dirname(real));
  }

  writeFile(path: string, content: string | Uint8Array, mode: number, signal: AbortSignal): Promise<void> {
    return this.#files.write(path, content, mode, signal);
  }

  async copyStore(from: string, to: string, signal: AbortSignal): Promise<void> {
    const target = this.#files.realPath(to, 'write');
    await mkdir(target, { mode: 0o700 });
    await copyTree(this.#files.realPath(from, 'read'), target, signal);
    await syncPath(dirname(target));
  }

  async freeBytes(path: string, signal: AbortSignal): Promise<bigint> {
    signal.throwIfAborted();
    // The directory may not have been made yet: its nearest ancestor lies on the same file system.
    for (let real = this.#files.realPath(path, 'read'); ; real = dirname(real)) {
      const stats = await absentAsUndefined(statfs(real, { bigint: true }));
      if (stats !== undefined) return stats.bavail * stats.bsize;
      if (real === dirname(real)) return 0n;
    }
  }

  realPath(path: string): string {
    return this.#files.realPath(path, 'read');
  }

  /** ".lockstep/OP" beside a store, or "operations/OP" of the state directory, or below either. */
  #isOwn(path: string, operationId: string): boolean {
    if (operationId === '' || operationId.includes('/') || path.split('/').includes('..')) return false;
    if (isWithin(join(this.#stateDir, 'operations', operationId), path)) return true;
    const parts = path.split('/').filter(Boolean);
    return parts.some((part, at) => part === '.lockstep' && parts[at + 1] === operationId);
  }

  async #keptInodes(tree: string, signal: AbortSignal): Promise<string[]> {
    const text = await this.#files.readIfThere(join(dirname(tree), KEEP_FILE), signal);
    if (text === undefined) return [];
    const parsed: unknown = JSON.parse(text.toString());
    return Array.isArray(parsed) ? parsed.filter((one) => typeof one === 'string') : [];
  }
}

/** Locks on databases, held until disposed. A database is opened as it is, never created. */
class StoreLocks implements AsyncDisposable {
  readonly #syscalls: Syscalls;
  readonly #held: FileHandle[] = [];

  constructor(syscalls: Syscalls) {
    this.#syscalls = syscalls;
  }

  async takeIfThere(real: string): Promise<void> {
    if ((await absentAsUndefined(lstat(real))) !== undefined) await this.take(real, real);
  }

  async take(real: string, named: string): Promise<void> {
    const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
      throw new LockstepError('STORE_NOT_AS_RECORDED', {
        message: `'${named}' could not be opened to be locked.`,
        cause,
      });
    });
    this.#held.push(handle);
    if (this.#syscalls.tryLock(handle.fd)) return;
    const { ino } = await handle.stat({ bigint: true });
    throw new LockstepError('STORE_LOCKED', {
      message: `Another process holds the lock on '${named}' (inode ${ino}).`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const handle of this.#held) await handle.close();
  }
}
