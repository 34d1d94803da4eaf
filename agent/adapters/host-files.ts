import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { type ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

import type { Access, HostRoot } from './host-root.ts';
import type { Syscalls } from './syscalls.ts';

/** What one file may take of the room that is kept: the rest is the ledger's. */
const MAX_PORTIONS_GIVEN = 4;

/** Files of the host, by host path: guarded, and durable before a promise resolves. */
export class HostFiles {
  readonly #root: HostRoot;
  readonly #syscalls: Syscalls;
  readonly #giveRoom: () => boolean;

  /** `giveRoom`: gives a portion of what is kept for a full disk back to it; false where nothing is left. */
  constructor(root: HostRoot, syscalls: Syscalls, giveRoom: () => boolean = () => false) {
    this.#root = root;
    this.#syscalls = syscalls;
    this.#giveRoom = giveRoom;
  }

  realPath(path: string, access: Access): string {
    return this.#root.resolve(path, access);
  }

  async read(path: string, signal: AbortSignal): Promise<Buffer> {
    return readFile(this.realPath(path, 'read'), { signal });
  }

  /** Undefined where nothing bears the name. */
  async readIfThere(path: string, signal: AbortSignal): Promise<Buffer | undefined> {
    return absentAsUndefined(this.read(path, signal));
  }

  /** Names in a directory; none where there is no directory. */
  async list(path: string, signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted();
    return (await absentAsUndefined(readdir(this.realPath(path, 'read')))) ?? [];
  }

  async exists(path: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    return (await absentAsUndefined(lstat(this.realPath(path, 'read')))) !== undefined;
  }

  /** For the few small files without which there is no way back: a full disk costs what is kept for it. */
  async inKeptRoom<T>(body: () => Promise<T>): Promise<T> {
    for (let given = 0; ; given += 1) {
      try {
        return await body();
      } catch (error) {
        const isFull = error instanceof LockstepError && error.code === 'DISK_FULL';
        if (!isFull || given === MAX_PORTIONS_GIVEN || !this.#giveRoom()) throw error;
      }
    }
  }

  /**
   * After this resolves the file is whole on disk under its name; before, or after a crash, it is
   * whole or as it was. The dotfile is invisible to kubelet.
   */
  async write(path: string, content: string | Uint8Array, mode: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const real = this.realPath(path, 'write');
    const draft = join(dirname(real), `.${basename(real)}.lockstep-new`);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    await withFile(draft, flags, mode, async (handle) => {
      await handle.chmod(mode);
      await handle.writeFile(content);
      await synced(handle, draft);
    });
    await rename(draft, real).catch(rethrow(`'${path}' could not be put in place`));
    await syncPath(dirname(real));
  }

  /**
   * Moves files under new names that nothing bears; inodes, and so owners, modes and times, stay.
   * Every directory concerned is synced once, those that gained a name first.
   */
  async moveAll(moves: readonly { from: string; to: string }[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const real = moves.map(({ from, to }) => ({
      from: this.realPath(from, 'write'),
      to: this.realPath(to, 'write'),
    }));
    for (const { from, to } of real) this.#syscalls.renameNoReplace(from, to);
    const directories = [...real.map(({ to }) => dirname(to)), ...real.map(({ from }) => dirname(from))];
    for (const directory of new Set(directories)) await syncPath(directory);
  }

  /**
   * True where the names are of two files with the same bytes, and neither is a link: either may go
   * and nothing is lost.
   */
  async areCopies(one: string, other: string, signal: AbortSignal): Promise<boolean> {
    if (this.#isLink(one) || this.#isLink(other)) return false;
    const [content, again] = await Promise.all([this.read(one, signal), this.read(other, signal)]);
    return content.equals(again);
  }

  /** Moves a file over its copy; its inode stays, and its old name is gone, durably. */
  async moveOverCopy(from: string, to: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const real = { from: this.realPath(from, 'write'), to: this.realPath(to, 'write') };
    await rename(real.from, real.to);
    await syncPath(dirname(real.to));
    // Of two names of one inode rename leaves both.
    await absentAsUndefined(unlink(real.from));
    await syncPath(dirname(real.from));
  }

  /** Makes durable what an earlier try did to the names in these directories and did not live to sync. */
  async syncNamesIn(directories: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (const path of directories) await absentAsUndefined(syncPath(this.realPath(path, 'write')));
  }

  /** Makes a directory and those above it; the names of all are durable, whoever made them. */
  async makeDirectory(path: string, mode: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const real = this.realPath(path, 'write');
    const topmost = await mkdir(real, { recursive: true, mode }).catch(
      rethrow(`'${path}' could not be made`),
    );
    // What was there already may have been made by a try that died before it synced.
    const last = topmost ?? dirname(real);
    for (let made = real; made.length >= last.length; made = dirname(made)) await syncPath(dirname(made));
  }

  /** True if it was there. That it is not is durable, whoever removed it. */
  async remove(path: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const real = this.realPath(path, 'write');
    const removed = await absentAsUndefined(unlink(real).then(() => true));
    await absentAsUndefined(syncPath(dirname(real)));
    return removed === true;
  }

  #isLink(path: string): boolean {
    return this.realPath(path, 'read') !== join(this.realPath(dirname(path), 'read'), basename(path));
  }
}

/** Opens, uses and closes a file of this process's own paths; disk errors come out with their code. */
export async function withFile<T>(
  real: string,
  flags: number,
  mode: number,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  try {
    await using handle = await open(real, flags, mode);
    return await use(handle);
  } catch (thrown) {
    return rethrow(`'${real}' could not be used`)(thrown);
  }
}

/** Syncs a file or a directory. */
export async function syncPath(real: string): Promise<void> {
  await withFile(real, constants.O_RDONLY, 0, (handle) => synced(handle, real));
}

/** A failed sync is final: the kernel has dropped the pages, and asking again would lie. */
export async function synced(handle: FileHandle, real: string): Promise<void> {
  try {
    await handle.sync();
  } catch (thrown) {
    throw new LockstepError('SYNC_FAILED', { message: `'${real}' could not be synced.`, cause: thrown });
  }
}

export function errorCodeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Undefined where the path, or a directory on the way to it, is not there. */
export async function absentAsUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT' || errorCodeOf(thrown) === 'ENOTDIR') return undefined;
    throw thrown;
  }
}

const CODES_OF_ERRNO: Readonly<Record<string, ErrorCode>> = { ENOSPC: 'DISK_FULL', EDQUOT: 'DISK_FULL' };

function rethrow(message: string): (thrown: unknown) => never {
  return (thrown) => {
    const code = CODES_OF_ERRNO[errorCodeOf(thrown) ?? ''];
    if (code === undefined) throw thrown;
    throw new LockstepError(code, { message: `${message}: the disk is full.`, cause: thrown });
  };
}
