import { createHash, type Hash } from 'node:crypto';
import type { Leaf } from './bbolt/page.ts';

/** Rows whose lengths are held before they are hashed. */
const LENGTHS_PER_UPDATE = 8192;

/**
 * SHA-256 over a run of rows, blind to the pages they lie in:
 * SHA-256( SHA-256(name ‖ value of each row, in order) ‖ SHA-256(length of name, length of value
 * of each row, four bytes each, little-endian) ). The lengths make it unambiguous; hashed apart,
 * they leave the bytes of a whole page one piece, which is what makes this fast.
 */
export class ContentDigest {
  readonly #bytes: Hash = createHash('sha256');
  readonly #lengths: Hash = createHash('sha256');
  readonly #pending = Buffer.alloc(LENGTHS_PER_UPDATE * 8);
  #pendingBytes = 0;

  /** Rows [0, count) of the leaf. */
  update(leaf: Leaf, count: number): void {
    for (let index = 0; index < count; ) {
      const start = leaf.keyStart[index]!;
      let end = leaf.valueEnd(index);
      this.#length(leaf, index++);
      while (index < count && leaf.keyStart[index] === end) {
        end = leaf.valueEnd(index);
        this.#length(leaf, index++);
      }
      this.#bytes.update(leaf.bytes.subarray(start, end));
    }
  }

  hex(): string {
    this.#lengths.update(this.#pending.subarray(0, this.#pendingBytes));
    return createHash('sha256').update(this.#bytes.digest()).update(this.#lengths.digest()).digest('hex');
  }

  #length(leaf: Leaf, index: number): void {
    this.#pending.writeUInt32LE(leaf.keyBytes[index]!, this.#pendingBytes);
    this.#pending.writeUInt32LE(leaf.valueBytes[index]!, this.#pendingBytes + 4);
    this.#pendingBytes += 8;
    if (this.#pendingBytes === this.#pending.length) {
      this.#lengths.update(this.#pending);
      this.#pendingBytes = 0;
    }
  }
}
