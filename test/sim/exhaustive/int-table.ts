/** Rows in one chunk. */
const CHUNK_ROWS = 1 << 18;
const FIRST_SLOTS = 1 << 16;
/** The index grows where more than this share of it is taken. */
const FULLEST = 0.6;

/**
 * A set of rows of integers, each kept whole and once, numbered in the order of arrival. Nothing is
 * told apart by a hash alone: two rows are one only if they are equal.
 */
export class IntTable {
  readonly width: number;
  readonly #notes: number;
  readonly #chunks: Int32Array[] = [];
  /** Number of a row + 1; 0: free. */
  #index = new Int32Array(FIRST_SLOTS);
  size = 0;
  /** True where the last `put` brought a row that was not there. */
  added = false;

  /** `notes`: integers beside each row that do not tell rows apart. */
  constructor(width: number, notes = 0) {
    this.width = width;
    this.#notes = notes;
  }

  get bytes(): number {
    return (this.#index.length + this.#chunks.length * CHUNK_ROWS * (this.width + this.#notes)) * 4;
  }

  put(row: ArrayLike<number>): number {
    const { width } = this;
    const mask = this.#index.length - 1;
    let at = hash(row, width) & mask;
    for (;;) {
      const kept = this.#index[at] as number;
      if (kept === 0) break;
      if (this.#equals(kept - 1, row)) {
        this.added = false;
        return kept - 1;
      }
      at = (at + 1) & mask;
    }
    const number = this.size;
    this.size += 1;
    this.#index[at] = number + 1;
    this.#write(number, row);
    if (this.size > this.#index.length * FULLEST) this.#grow();
    this.added = true;
    return number;
  }

  get(number: number, column: number): number {
    const chunk = this.#chunks[Math.floor(number / CHUNK_ROWS)] as Int32Array;
    return chunk[(number % CHUNK_ROWS) * (this.width + this.#notes) + column] as number;
  }

  read(number: number, into: Int32Array): void {
    const chunk = this.#chunks[Math.floor(number / CHUNK_ROWS)] as Int32Array;
    const start = (number % CHUNK_ROWS) * (this.width + this.#notes);
    for (let column = 0; column < this.width; column += 1) into[column] = chunk[start + column] as number;
  }

  note(number: number, index: number, value: number): void {
    const chunk = this.#chunks[Math.floor(number / CHUNK_ROWS)] as Int32Array;
    chunk[(number % CHUNK_ROWS) * (this.width + this.#notes) + this.width + index] = value;
  }

  noted(number: number, index: number): number {
    return this.get(number, this.width + index);
  }

  #write(number: number, row: ArrayLike<number>): void {
    const stride = this.width + this.#notes;
    if (number % CHUNK_ROWS === 0) this.#chunks.push(new Int32Array(CHUNK_ROWS * stride));
    const chunk = this.#chunks[Math.floor(number / CHUNK_ROWS)] as Int32Array;
    const start = (number % CHUNK_ROWS) * stride;
    for (let column = 0; column < this.width; column += 1) chunk[start + column] = row[column] as number;
  }

  #equals(number: number, row: ArrayLike<number>): boolean {
    const chunk = this.#chunks[Math.floor(number / CHUNK_ROWS)] as Int32Array;
    const start = (number % CHUNK_ROWS) * (this.width + this.#notes);
    for (let column = 0; column < this.width; column += 1) {
      if (chunk[start + column] !== row[column]) return false;
    }
    return true;
  }

  #grow(): void {
    const index = new Int32Array(this.#index.length * 2);
    const mask = index.length - 1;
    const row = new Int32Array(this.width);
    for (let number = 0; number < this.size; number += 1) {
      this.read(number, row);
      let at = hash(row, this.width) & mask;
      while (index[at] !== 0) at = (at + 1) & mask;
      index[at] = number + 1;
    }
    this.#index = index;
  }
}

/** 32 bits of murmur3's mixing. */
function hash(row: ArrayLike<number>, width: number): number {
  let h = 0x9747b28c;
  for (let column = 0; column < width; column += 1) {
    let k = Math.imul(row[column] as number, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Values by their keys, numbered in the order of arrival; the first of equals stands for all. */
export class Interner<Value> {
  readonly values: Value[] = [];
  readonly #ids = new Map<string, number>();
  readonly #keyOf: (value: Value) => string;

  constructor(keyOf: (value: Value) => string) {
    this.#keyOf = keyOf;
  }

  put(value: Value): number {
    const key = this.#keyOf(value);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.values.length;
    this.#ids.set(key, id);
    this.values.push(value);
    return id;
  }

  get(id: number): Value {
    const value = this.values[id];
    if (value === undefined) throw new Error(`nothing has the number ${id}`);
    return value;
  }
}
