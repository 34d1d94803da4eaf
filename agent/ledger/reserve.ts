import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';

/** Enough for the records of many operations: an intent is well under a kilobyte, a plan some hundred. */
export const RESERVE_BYTES = 4 * 1024 * 1024;

/**
 * Space kept beside the ledger so that a full disk cannot stop a record: the file is removed when
 * SQLite says that the disk is full, and the record is written into the room it leaves.
 */
export class Reserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Makes the reserve where it is missing. Returns false where the disk has no room for it. */
  fill(): boolean {
    if (this.#sizeBytes() === RESERVE_BYTES) return true;
    let fd: number | undefined;
    try {
      fd = openSync(this.#path, 'w', 0o600);
      // Random: a file system that compresses or leaves holes would reserve nothing for zeros.
      const bytes = randomBytes(RESERVE_BYTES);
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
      fsyncSync(fd);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      rmSync(this.#path, { force: true });
      return false;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** Gives the space back to the disk. Returns false where there was none to give. */
  release(): boolean {
    if (this.#sizeBytes() === undefined) return false;
    rmSync(this.#path, { force: true });
    return true;
  }

  #sizeBytes(): number | undefined {
    return statSync(this.#path, { throwIfNoEntry: false })?.size;
  }
}
