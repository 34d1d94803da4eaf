import { corrupt } from './bbolt/corrupt.ts';

/** Protobuf field numbers of mvccpb.KeyValue. */
const KEY = 1;
const CREATE_REVISION = 2;
const MOD_REVISION = 3;
const VERSION = 4;
const VALUE = 5;
const LEASE = 6;

/**
 * A row's mvccpb.KeyValue as positions in the bytes it lies in: decoded for every row of a store,
 * so nothing is copied and one instance is reused.
 */
export class KeyValue {
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  createRevision = 0;
  modRevision = 0;
  version = 0;
  hasLease = false;
  /** Where the lease's varint begins: as a number it would lose digits. Only where it has one. */
  leaseStart = 0;
  #at = 0;

  /** Throws SNAPSHOT_CORRUPT where the bytes [start, end) are no KeyValue. */
  parse(bytes: Uint8Array, start: number, end: number): void {
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = start;
    this.createRevision = this.modRevision = this.version = 0;
    this.hasLease = false;
    this.#at = start;
    while (this.#at < end) {
      const tag = this.#varint(bytes, end);
      const field = tag >>> 3;
      switch (tag & 7) {
        case 0: {
          const from = this.#at;
          const number = this.#varint(bytes, end);
          if (field === MOD_REVISION) this.modRevision = number;
          else if (field === CREATE_REVISION) this.createRevision = number;
          else if (field === VERSION) this.version = number;
          else if (field === LEASE) {
            this.hasLease = number !== 0;
            this.leaseStart = from;
          } else if (field === KEY || field === VALUE) throw malformed();
          break;
        }
        case 1:
          this.#skip(8, end);
          break;
        case 2: {
          const length = this.#varint(bytes, end);
          const from = this.#at;
          this.#skip(length, end);
          if (field === KEY) {
            this.keyStart = from;
            this.keyEnd = this.#at;
          } else if (field === VALUE) {
            this.valueStart = from;
            this.valueEnd = this.#at;
          } else if (field >= CREATE_REVISION && field <= LEASE && field !== VALUE) {
            throw malformed();
          }
          break;
        }
        case 5:
          this.#skip(4, end);
          break;
        default:
          throw malformed();
      }
      if (field === 0 || field > 0x1fffffff) throw malformed();
    }
  }

  #skip(length: number, end: number): void {
    if (length > end - this.#at) throw malformed();
    this.#at += length;
  }

  /** A varint of up to ten bytes; beyond 2^53 it loses low bits, which no field in use has. */
  #varint(bytes: Uint8Array, end: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#at >= end) throw malformed();
      const byte = bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw malformed();
  }
}

function malformed(): Error {
  return corrupt('A row of the key bucket holds no key and value.');
}
