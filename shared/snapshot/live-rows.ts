import { encryptionPrefix } from '../kubernetes/envelope.ts';
import type { Leaf } from './bbolt/page.ts';
import { ContentDigest } from './content-digest.ts';
import { KeyValue } from './key-value.ts';
import { Revision } from './revision.ts';

/** Where the newest value of a key lies, and how it is stored. */
export interface LiveRow {
  main: number;
  sub: number;
  /** Index into `KeyBucket.encryptionPrefixes`; 0: not encrypted. */
  prefix: number;
}

/** "k8s:" as a little-endian word: what every encrypted value begins with. */
const ENCRYPTED_WORD = 0x3a73386b;

/**
 * The key bucket, replayed row after row: which keys are alive at the end, and a digest of the
 * rows on the way. Keys are held as latin1, one character per byte, so that any key survives.
 */
export class KeyBucket {
  readonly live = new Map<string, LiveRow>();
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
      const key = bytes.toString('latin1', keyValue.keyStart, keyValue.keyEnd);
      if (revision.tombstone) this.live.delete(key);
      else this.#put(key, revision, this.#prefixOf(leaf, keyValue));
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

  #put(key: string, revision: Revision, prefix: number): void {
    const row = this.live.get(key);
    if (row === undefined) {
      this.live.set(key, { main: revision.main, sub: revision.sub, prefix });
    } else {
      row.main = revision.main;
      row.sub = revision.sub;
      row.prefix = prefix;
    }
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
