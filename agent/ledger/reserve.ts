import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, statSync, truncateSync, writeSync } from 'node:fs';

/** Enough for the records of many operations: an intent is well under a kilobyte, a plan some hundred. */
export const RESERVE_BYTES = 4 * 1024 * 1024;
/**
 * Given back at a time. What a record leaves of it is anybody's: an etcd or a kubelet that fills the
 * disk writes on, and would take the whole of it at once.
 */
export const PORTION_BYTES = 16 * 1024;

/** Of the ledger that lies there. */
export function reservePath(ledgerPath: string): string {
  return `${ledgerPath}.reserve`;
}

/**
 * Space kept beside the ledger so that a full disk cannot stop a record: it shrinks by a portion
 * when SQLite says that the disk is full, and the record is written into the room that this leaves.
 */
export class Reserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  get isWhole(): boolean {
    return this.#sizeBytes() === RESERVE_BYTES;
  }

  /** Makes the reserve, or what is missing of it. Returns false, and leaves it as it is, where the disk has no room. */
  fill(): boolean {
    const before = this.#sizeBytes();
    if (before === RESERVE_BYTES) return true;
    const fd = openSync(this.#path, 'a', 0o600);
    try {
      // Random: a file system that compresses or leaves holes would reserve nothing for zeros.
      const bytes = randomBytes(RESERVE_BYTES - before);
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
      fsyncSync(fd);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      ftruncateSync(fd, before);
      return false;
    } finally {
      closeSync(fd);
    }
  }

  /** Gives a portion back to the disk. Returns false where there is nothing left to give. */
  release(): boolean {
    const size = this.#sizeBytes();
    if (size === 0) return false;
    truncateSync(this.#path, Math.max(0, size - PORTION_BYTES));
    return true;
  }

  #sizeBytes(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }
}
