import type { KeyValue } from '../snapshot/key-value.ts';
import type { Revision } from '../snapshot/revision.ts';
import type { Row } from './evidence.ts';

const LEASE_DIGITS = 16;

/** One row of etcd's `key` bucket, over the bytes it lies in: what is not asked for is not decoded. */
export class EtcdRow implements Row {
  readonly #revision: Revision;
  readonly #keyValue: KeyValue;
  #bytes: Buffer = Buffer.alloc(0);
  #key: string | undefined;

  /** Both are read again for each row, by who calls `at`. */
  constructor(revision: Revision, keyValue: KeyValue) {
    this.#revision = revision;
    this.#keyValue = keyValue;
  }

  /** Stands for the row that the revision and the key-value were parsed from just now. */
  at(bytes: Buffer): this {
    this.#bytes = bytes;
    this.#key = undefined;
    return this;
  }

  get main(): number {
    return this.#revision.main;
  }

  get sub(): number {
    return this.#revision.sub;
  }

  get deleted(): boolean {
    return this.#revision.tombstone;
  }

  get key(): string {
    const { keyStart, keyEnd } = this.#keyValue;
    this.#key ??= this.#bytes.toString('latin1', keyStart, keyEnd);
    return this.#key;
  }

  get createRevision(): number {
    return this.deleted ? 0 : this.#keyValue.createRevision;
  }

  get version(): number {
    return this.deleted ? 0 : this.#keyValue.version;
  }

  get lease(): string {
    return this.#keyValue.hasLease ? leaseId(readVarint(this.#bytes, this.#keyValue.leaseStart)) : '';
  }

  get value(): Uint8Array {
    return this.#bytes.subarray(this.#keyValue.valueStart, this.#keyValue.valueEnd);
  }
}

/** As etcdctl prints it. */
export function leaseId(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(LEASE_DIGITS, '0');
}

/** The caller has read past this varint already: it ends. */
function readVarint(bytes: Buffer, start: number): bigint {
  let value = 0n;
  for (let at = start, shift = 0n; ; at++, shift += 7n) {
    const byte = bytes[at]!;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}
