import { encryptionPrefix } from '../kubernetes/envelope.ts';
import type { Leaf } from './bbolt/page.ts';
import { ContentDigest } from './content-digest.ts';
import { KeyTable } from './key-table.ts';
import { KeyValue } from './key-value.ts';
import { Revision } from './revision.ts';

/** "k8s:" as a little-endian word: what every encrypted value begins with. */
const ENCRYPTED_WORD = 0x3a73386b;

/**
 * The key bucket, replayed row after row: which keys are alive at the end, and a digest of the
 * rows on the way.
 */
export class KeyBucket {
  /** Noted with each key: its index into `encryptionPrefixes`. */
  readonly live = new KeyTable();
  /** "k8s:enc:aescbc:v1:key1:"; the first is empty and stands for plain. */
  readonly encryptionPrefixes: string[] = [''];
  rows = 0;
  /** Of the last row; 0 where there is none. */
  revision = 0;
  rowsAboveContent = 0;
  #emptyRowsAboveContent = 0;
  readonly #contentUpTo: number;
  readonly #digest = new ContentDigest();
  readonly #revision = new Revision();
  readonly #keyValue = new KeyValue();
  readonly #prefixIndex = new Map<string, number>();

  /** Rows up to this revision are the content. */
  constructor(contentUpTo: number) {
    this.#contentUpTo = contentUpTo;
  }

  /** Throws SNAPSHOT_CORRUPT for a row that etcd does not write. */
  leaf(leaf: Leaf): void {
    const { bytes, view, count } = leaf;
    const revision = this.#revision;
    const keyValue = this.#keyValue;
    let ofContent = 0;
    for (let index = 0; index < count; index++) {
      revision.parse(view, leaf.keyStart[index]!, leaf.keyBytes[index]!);
      keyValue.parse(bytes, leaf.keyEnd(index), leaf.valueEnd(index));
      if (revision.tombstone) this.live.delete(bytes, keyValue.keyStart, keyValue.keyEnd);
      else this.#put(leaf);
      if (revision.main <= this.#contentUpTo) {
        ofContent = index + 1;
      } else {
        this.rowsAboveContent++;
        if (leaf.valueBytes[index] === 0) this.#emptyRowsAboveContent++;
      }
    }
    if (count > 0) this.revision = revision.main;
    this.rows += count;
    this.#digest.update(leaf, ofContent);
  }

  contentSha256(): string {
    return this.#digest.hex();
  }

  /** Exactly the empty row that `etcdutl snapshot restore --bump-revision` adds. */
  get onlyBumpRowAboveContent(): boolean {
    return this.rowsAboveContent === 1 && this.#emptyRowsAboveContent === 1;
  }

  /** The row at hand, `#revision` and `#keyValue`, of this leaf. */
  #put(leaf: Leaf): void {
    const { keyStart, keyEnd } = this.#keyValue;
    const { main, sub } = this.#revision;
    this.live.put(leaf.bytes, keyStart, keyEnd, { main, sub, note: this.#prefixOf(leaf, this.#keyValue) });
  }

  #prefixOf(leaf: Leaf, keyValue: KeyValue): number {
    const { valueStart, valueEnd } = keyValue;
    if (valueEnd - valueStart < 4 || leaf.view.getUint32(valueStart, true) !== ENCRYPTED_WORD) return 0;
    const value = leaf.bytes.subarray(valueStart, valueEnd);
    const prefix = encryptionPrefix(value);
    if (prefix === undefined) return 0;
    const text = value.toString('latin1', 0, prefix.lengthBytes);
    let index = this.#prefixIndex.get(text);
    if (index === undefined) {
      index = this.encryptionPrefixes.push(text) - 1;
      this.#prefixIndex.set(text, index);
    }
    return index;
  }
}
