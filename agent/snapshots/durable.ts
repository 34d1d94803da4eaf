import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** Renames a file that was synced, and syncs the directory: afterwards it has its name or never had it. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
}

export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await syncOrFail(directory, path);
}

/** A failed sync is never tried again: what the disk holds is not known then. */
export async function syncOrFail(handle: FileHandle, path: string): Promise<void> {
  try {
    await handle.sync();
  } catch (cause) {
    throw new LockstepError('SYNC_FAILED', { message: `${path} could not be synced.`, cause });
  }
}

/** All of `bytes`, at the handle's position; a full disk is said by its name. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  try {
    for (let written = 0; written < bytes.length; ) {
      written += (await handle.write(bytes, written)).bytesWritten;
    }
  } catch (cause) {
    throw writingFailed(path, cause);
  }
}

/** All of the pieces, one after the other, in one call where the disk takes them in one. */
export async function writeAllOf(
  handle: FileHandle,
  pieces: readonly Uint8Array[],
  path: string,
): Promise<void> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length === 0) return;
  const { bytesWritten } = await handle.writev(pieces).catch((cause: unknown) => {
    throw writingFailed(path, cause);
  });
  if (bytesWritten < length) await writeAll(handle, Buffer.concat(pieces).subarray(bytesWritten), path);
}

function writingFailed(path: string, cause: unknown): unknown {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') return cause;
  return new LockstepError('DISK_FULL', { message: `No space left for ${path}.`, cause });
}
