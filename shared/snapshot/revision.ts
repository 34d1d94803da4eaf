import { corrupt } from './bbolt/corrupt.ts';

/** main (8, big-endian) ‖ "_" ‖ sub (8, big-endian), and "t" where the key was deleted. */
export const REVISION_BYTES = 17;
const TOMBSTONE_BYTES = 18;
const UNDERSCORE = 0x5f;
const TOMBSTONE_MARK = 0x74;
const TWO_TO_THE_32 = 0x1_0000_0000;

/** A key of the `key` bucket. One instance is reused while a store is walked. */
export class Revision {
  /** One per transaction. */
  main = 0;
  /** Position within the transaction, from 0. */
  sub = 0;
  tombstone = false;

  /** Parses bytes [start, start + length). Throws SNAPSHOT_CORRUPT for anything that etcd does not write. */
  parse(view: DataView, start: number, length: number): void {
    if (length !== REVISION_BYTES && length !== TOMBSTONE_BYTES) {
      throw corrupt(`A row of the key bucket has a name of ${length} bytes.`);
    }
    if (view.getUint8(start + 8) !== UNDERSCORE) throw corrupt('A row of the key bucket is no revision.');
    this.tombstone = length === TOMBSTONE_BYTES;
    if (this.tombstone && view.getUint8(start + REVISION_BYTES) !== TOMBSTONE_MARK) {
      throw corrupt('A row of the key bucket ends in an unknown mark.');
    }
    this.main = readInt(view, start);
    this.sub = readInt(view, start + 9);
  }
}

/** The row name of a put at this revision. */
export function encodeRevision(main: number, sub: number): Buffer {
  const bytes = Buffer.alloc(REVISION_BYTES);
  bytes.writeBigUInt64BE(BigInt(main), 0);
  bytes[8] = UNDERSCORE;
  bytes.writeBigUInt64BE(BigInt(sub), 9);
  return bytes;
}

/**
 * A 64-bit revision as a number: exact up to 2^53, which no etcd reaches (at a million writes a
 * second it takes 285 years), so more than that is damage.
 */
function readInt(view: DataView, at: number): number {
  const value = view.getUint32(at, false) * TWO_TO_THE_32 + view.getUint32(at + 4, false);
  if (value > Number.MAX_SAFE_INTEGER) throw corrupt('A row of the key bucket has an impossible revision.');
  return value;
}
