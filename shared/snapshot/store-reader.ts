import { BboltFile, LOOKUP_CACHE_BYTES } from './bbolt/file.ts';
import { findBucket, findIn } from './bbolt/find.ts';
import type { BucketRoot } from './bbolt/walk.ts';
import { KeyValue } from './key-value.ts';
import { encodeRevision } from './revision.ts';

/** Single values of a store, by the revision at which they were put. Synchronous, a few pages each. */
export class StoreReader implements Disposable {
  readonly #file: BboltFile;
  readonly #keyBucket: BucketRoot | undefined;

  /** Throws SNAPSHOT_NOT_FOUND, SNAPSHOT_TRUNCATED, SNAPSHOT_CORRUPT. */
  constructor(path: string) {
    this.#file = new BboltFile(path, LOOKUP_CACHE_BYTES);
    try {
      this.#keyBucket = findBucket(this.#file, 'key');
    } catch (thrown) {
      this.#file[Symbol.dispose]();
      throw thrown;
    }
  }

  /** The value put at (main, sub), a copy; undefined where no row has that revision. */
  value(main: number, sub: number): Buffer | undefined {
    if (this.#keyBucket === undefined) return undefined;
    const row = findIn(this.#file, this.#keyBucket, encodeRevision(main, sub));
    if (row === undefined) return undefined;
    const keyValue = new KeyValue();
    keyValue.parse(row, 0, row.length);
    return row.subarray(keyValue.valueStart, keyValue.valueEnd);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
