/** Reflected Castagnoli polynomial. `node:zlib`'s crc32 is the IEEE one and does not serve. */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 16;

function makeTables(): Int32Array[] {
  const tables = Array.from({ length: SLICES }, () => new Int32Array(256));
  const first = tables[0] as Int32Array;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    first[byte] = crc;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    const previous = tables[slice - 1] as Int32Array;
    const table = tables[slice] as Int32Array;
    for (let byte = 0; byte < 256; byte++) {
      const crc = previous[byte] as number;
      table[byte] = (crc >>> 8) ^ (first[crc & 255] as number);
    }
  }
  return tables;
}

// One binding per slice: an array of arrays costs a bounds check and a load more per byte.
const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] = makeTables() as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** State before the first byte; `finishCrc32c` turns a state into the checksum. */
export const CRC32C_START = -1;

export function finishCrc32c(state: number): number {
  return (state ^ -1) >>> 0;
}

/**
 * The state after bytes [start, end), sixteen at a time (about 2 GB/s: every byte of a snapshot
 * goes through here). `words` is a little-endian view of the same memory from index 0, for which
 * `bytes` must start on a multiple of four in its ArrayBuffer; see `wordsOf`.
 */
export function updateCrc32c(
  state: number,
  bytes: Uint8Array,
  words: Int32Array,
  start: number,
  end: number,
): number {
  let crc = state;
  let at = start;
  while (at < end && (at & 3) !== 0) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at++]!) & 255]!;
  const lastWord = end >> 2;
  let word = at >> 2;
  for (; word + 4 <= lastWord; word += 4) {
    const a = crc ^ words[word]!;
    const b = words[word + 1]!;
    const c = words[word + 2]!;
    const d = words[word + 3]!;
    crc =
      T15[a & 255]! ^
      T14[(a >>> 8) & 255]! ^
      T13[(a >>> 16) & 255]! ^
      T12[a >>> 24]! ^
      T11[b & 255]! ^
      T10[(b >>> 8) & 255]! ^
      T9[(b >>> 16) & 255]! ^
      T8[b >>> 24]! ^
      T7[c & 255]! ^
      T6[(c >>> 8) & 255]! ^
      T5[(c >>> 16) & 255]! ^
      T4[c >>> 24]! ^
      T3[d & 255]! ^
      T2[(d >>> 8) & 255]! ^
      T1[(d >>> 16) & 255]! ^
      T0[d >>> 24]!;
    at = (word + 4) << 2;
  }
  while (at < end) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at++]!) & 255]!;
  return crc;
}

/** CRC-32C of a few bytes, wherever they lie. */
export function updateCrc32cSmall(state: number, bytes: Uint8Array): number {
  let crc = state;
  for (const byte of bytes) crc = (crc >>> 8) ^ T0[(crc ^ byte) & 255]!;
  return crc;
}
