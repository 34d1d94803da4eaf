import { readSync } from 'node:fs';
import { LockstepError } from '../../errors/lockstep-error.ts';

/** Smallest unit of reading: a few pages, because neighbours in key order are often neighbours on disk. */
const BLOCK_BYTES = 32 * 1024;
/** Blocks read at once where reading goes forward. */
const READ_AHEAD_BLOCKS = 32;
/** Longest run of pages that is held as one piece. etcd's largest request is far below. */
export const MAX_RUN_BYTES = 128 * 1024 * 1024;

/** A piece of the file in memory. Valid until the next call of `BlockCache.read`. */
export interface Piece {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Little-endian words of `bytes` from index 0. */
  readonly words: Int32Array;
  /** Where the piece starts in `bytes`. A multiple of four where its offset in the file is. */
  readonly start: number;
  readonly length: number;
}

interface Memory {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly words: Int32Array;
}

/**
 * Positional reads through a ring of blocks: memory stays the same for a file of any size. The
 * ring overwrites its oldest blocks, and blocks read together lie together, so that nearly every
 * run of pages is seen in place and never copied.
 */
export class BlockCache {
  readonly #fd: number;
  readonly #sizeBytes: number;
  readonly #ring: Memory;
  readonly #slots: number;
  /** Block -> slot, -1 where it is not held. */
  readonly #slotOf: Int32Array;
  /** Slot -> block, -1 where free. */
  readonly #blockIn: Int32Array;
  #next = 0;
  #scratch: Memory = allocate(0);

  constructor(fd: number, sizeBytes: number, cacheBytes: number) {
    this.#fd = fd;
    this.#sizeBytes = sizeBytes;
    const blocks = Math.ceil(sizeBytes / BLOCK_BYTES);
    this.#slots = Math.max(1, Math.min(blocks, Math.floor(cacheBytes / BLOCK_BYTES)));
    this.#ring = allocate(this.#slots * BLOCK_BYTES);
    this.#slotOf = new Int32Array(blocks).fill(-1);
    this.#blockIn = new Int32Array(this.#slots).fill(-1);
  }

  /** The bytes [offset, offset + length) of the file; the caller has checked that they are inside it. */
  read(offset: number, length: number): Piece {
    const first = Math.floor(offset / BLOCK_BYTES);
    const last = Math.floor((offset + Math.max(length, 1) - 1) / BLOCK_BYTES);
    const inBlock = offset - first * BLOCK_BYTES;
    if (last - first < this.#slots) {
      let slot = this.#slotOf[first]!;
      if (slot < 0) slot = this.#load(first, last);
      if (this.#liesTogether(first, last, slot)) {
        return { ...this.#ring, start: slot * BLOCK_BYTES + inBlock, length };
      }
    }
    return this.#readIntoScratch(offset, length);
  }

  #liesTogether(first: number, last: number, slot: number): boolean {
    for (let block = first + 1; block <= last; block++) {
      if (this.#slotOf[block] !== slot + (block - first)) return false;
    }
    return true;
  }

  /** Reads `first` and what follows it into slots that follow each other; returns the slot of `first`. */
  #load(first: number, last: number): number {
    const forward = first > 0 && this.#slotOf[first - 1]! >= 0;
    const wanted = Math.max(last - first + 1, forward ? READ_AHEAD_BLOCKS : 1);
    const count = Math.min(wanted, this.#slotOf.length - first, this.#slots);
    if (this.#next + count > this.#slots) this.#next = 0;
    const slot = this.#next;
    this.#next += count;
    for (let index = 0; index < count; index++) {
      const evicted = this.#blockIn[slot + index]!;
      if (evicted >= 0) this.#slotOf[evicted] = -1;
      this.#blockIn[slot + index] = -1;
    }
    const offset = first * BLOCK_BYTES;
    const length = Math.min(count * BLOCK_BYTES, this.#sizeBytes - offset);
    this.#readFully(this.#ring.bytes, slot * BLOCK_BYTES, length, offset);
    for (let index = 0; index < count; index++) {
      // A block may still be held elsewhere, further back in the ring: the newest copy counts.
      const held = this.#slotOf[first + index]!;
      if (held >= 0) this.#blockIn[held] = -1;
      this.#slotOf[first + index] = slot + index;
      this.#blockIn[slot + index] = first + index;
    }
    return slot;
  }

  #readIntoScratch(offset: number, length: number): Piece {
    if (this.#scratch.bytes.length < length + 4) this.#scratch = allocate(length + 4);
    const start = offset & 3;
    this.#readFully(this.#scratch.bytes, start, length, offset);
    return { ...this.#scratch, start, length };
  }

  #readFully(into: Buffer, at: number, length: number, offset: number): void {
    let done = 0;
    while (done < length) {
      const got = readSync(this.#fd, into, at + done, length - done, offset + done);
      if (got === 0) {
        throw new LockstepError('SNAPSHOT_TRUNCATED', {
          message: `The file ended at byte ${offset + done} while it was being read; it had ${this.#sizeBytes} bytes when it was opened.`,
        });
      }
      done += got;
    }
  }
}

function allocate(lengthBytes: number): Memory {
  // Not from Node's pool: the word view needs a buffer that starts at a multiple of four.
  const bytes = Buffer.from(new ArrayBuffer((lengthBytes + 3) & ~3));
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    words: new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2),
  };
}
