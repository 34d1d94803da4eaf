import type { Leaf } from './bbolt/page.ts';
import { CRC32C_START, finishCrc32c, updateCrc32c, updateCrc32cSmall } from './crc32c.ts';

/**
 * The hash that `etcdutl snapshot status` prints: CRC-32C over, for each top-level bucket in byte
 * order, its name and then name and value of each entry in order, with nothing in between.
 */
export class StatusHash {
  #state = CRC32C_START;

  bucket(name: string): void {
    this.#state = updateCrc32cSmall(this.#state, Buffer.from(name, 'latin1'));
  }

  leaf(leaf: Leaf): void {
    const { bytes, words, count } = leaf;
    for (let index = 0; index < count; ) {
      // bbolt writes entries end to end: nearly always one piece per page.
      const start = leaf.keyStart[index]!;
      let end = leaf.valueEnd(index++);
      while (index < count && leaf.keyStart[index] === end) end = leaf.valueEnd(index++);
      this.#state = updateCrc32c(this.#state, bytes, words, start, end);
    }
  }

  value(): number {
    return finishCrc32c(this.#state);
  }
}
