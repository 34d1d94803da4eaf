import type { Steps } from './steps.ts';

/** Where the newest value of a key lies. */
export interface LiveRow {
  readonly main: number;
  readonly sub: number;
  /** Whatever whoever put it notes of it: 32 bits. */
  readonly note: number;
}

/** Keys lie in pieces of this size: growing copies none of them. */
const CHUNK_BYTES = 256 * 1024;
/** Entries lie in pieces of this size, a power of two, for the same reason. */
const PIECE_BITS = 14;
const PIECE_ENTRIES = 1 << PIECE_BITS;
const FIRST_SLOTS = 2048;
/** Slots per entry at least: shorter probes than a fuller table has. */
const SLOTS_PER_ENTRY = 1.5;

/**
 * The keys that live at the end of a replay, each with its newest row. Keys and rows lie in a few
 * large arrays and not in an object each: a store of a million keys is held in some hundred
 * megabytes less, and nothing of it is the garbage collector's. A key is read as latin1, one
 * character per byte, so that any key survives.
 */
export class KeyTable implements Iterable<[string, LiveRow]> {
  /** Live keys. */
  size = 0;
  #entries = 0;
  /** Entry + 1 by hash, open addressing; 0 where free. */
  #slots = new Int32Array(FIRST_SLOTS);
  #chunks: Buffer[] = [];
  #used = CHUNK_BYTES;
  readonly #pieces: Piece[] = [];

  /** A put of the key in bytes [start, end). */
  put(bytes: Uint8Array, start: number, end: number, row: LiveRow): void {
    const hash = hashOf(bytes, start, end);
    let entry = this.#find(bytes, start, end, hash);
    if (entry < 0) entry = this.#add(bytes, start, end, hash);
    const piece = this.#pieceOf(entry);
    const at = entry % PIECE_ENTRIES;
    piece.main[at] = row.main;
    piece.sub[at] = row.sub;
    piece.note[at] = row.note;
    if (piece.alive[at] === 0) {
      piece.alive[at] = 1;
      this.size++;
    }
  }

  /** A deletion of the key in bytes [start, end). Its entry stays, for the next put. */
  delete(bytes: Uint8Array, start: number, end: number): void {
    const entry = this.#find(bytes, start, end, hashOf(bytes, start, end));
    if (entry < 0 || !this.#isAlive(entry)) return;
    this.#pieceOf(entry).alive[entry % PIECE_ENTRIES] = 0;
    this.size--;
  }

  get(key: string): LiveRow | undefined {
    const bytes = Buffer.from(key, 'latin1');
    const entry = this.#find(bytes, 0, bytes.length, hashOf(bytes, 0, bytes.length));
    return entry < 0 || !this.#isAlive(entry) ? undefined : this.#row(entry);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** The live keys that end so, in the order in which they were first put; a step for each piece. */
  *endingWith(suffix: string): Steps<string[]> {
    const wanted = Buffer.from(suffix, 'latin1');
    const found: string[] = [];
    for (let entry = 0; entry < this.#entries; entry++) {
      const own = entry % PIECE_ENTRIES;
      if (own === 0 && entry > 0) yield;
      const { length, start, alive } = this.#pieceOf(entry);
      const from = length[own]! - wanted.length;
      if (from < 0 || alive[own] === 0) continue;
      const chunk = this.#chunks[Math.floor(start[own]! / CHUNK_BYTES)]!;
      const at = (start[own]! % CHUNK_BYTES) + from;
      let same = wanted.length;
      while (same > 0 && chunk[at + same - 1] === wanted[same - 1]) same--;
      if (same === 0) found.push(this.#key(entry));
    }
    return found;
  }

  /** Live keys and their rows, in the order in which the keys were first put. */
  *[Symbol.iterator](): Generator<[string, LiveRow]> {
    for (let entry = 0; entry < this.#entries; entry++) {
      if (this.#isAlive(entry)) yield [this.#key(entry), this.#row(entry)];
    }
  }

  #pieceOf(entry: number): Piece {
    return this.#pieces[entry >>> PIECE_BITS]!;
  }

  #isAlive(entry: number): boolean {
    return this.#pieceOf(entry).alive[entry % PIECE_ENTRIES] !== 0;
  }

  #key(entry: number): string {
    const { start, length } = this.#pieceOf(entry);
    const own = entry % PIECE_ENTRIES;
    const at = start[own]! % CHUNK_BYTES;
    return this.#chunks[Math.floor(start[own]! / CHUNK_BYTES)]!.toString('latin1', at, at + length[own]!);
  }

  #row(entry: number): LiveRow {
    const { main, sub, note } = this.#pieceOf(entry);
    const own = entry % PIECE_ENTRIES;
    return { main: main[own]!, sub: sub[own]!, note: note[own]! };
  }

  /** Its entry, -1 where it was never put. */
  #find(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return -1;
      const { hash: hashes, length, start } = this.#pieceOf(entry);
      const own = entry % PIECE_ENTRIES;
      if (hashes[own] !== hash || length[own] !== to - from) continue;
      const chunk = this.#chunks[Math.floor(start[own]! / CHUNK_BYTES)]!;
      const at = start[own]! % CHUNK_BYTES;
      let same = 0;
      while (same < to - from && chunk[at + same] === bytes[from + same]) same++;
      if (same === to - from) return entry;
    }
  }

  #add(bytes: Uint8Array, from: number, to: number, hash: number): number {
    if (this.#entries % PIECE_ENTRIES === 0) this.#pieces.push(makePiece());
    const entry = this.#entries++;
    if (this.#entries * SLOTS_PER_ENTRY > this.#slots.length) this.#growSlots(entry);
    const piece = this.#pieceOf(entry);
    const own = entry % PIECE_ENTRIES;
    piece.hash[own] = hash;
    piece.length[own] = to - from;
    piece.start[own] = this.#store(bytes, from, to);
    this.#index(entry, hash);
    return entry;
  }

  /** Copies a key; returns its place: the chunk's number times CHUNK_BYTES, and the offset in it. */
  #store(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from;
    // An empty key, which the row of a bump has, takes a place in a chunk too.
    if (this.#used + Math.max(length, 1) > CHUNK_BYTES) {
      // A key longer than a chunk has one of its own, and begins it.
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length)));
      this.#used = 0;
    }
    const last = this.#chunks.length - 1;
    const at = this.#used;
    this.#chunks[last]!.set(bytes.subarray(from, to), at);
    this.#used += length;
    return last * CHUNK_BYTES + at;
  }

  #index(entry: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  /** Twice the slots, for the entries before `count`. */
  #growSlots(count: number): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let entry = 0; entry < count; entry++) {
      this.#index(entry, this.#pieceOf(entry).hash[entry % PIECE_ENTRIES]!);
    }
  }
}

type Piece = ReturnType<typeof makePiece>;

function makePiece() {
  return {
    start: new Float64Array(PIECE_ENTRIES),
    length: new Uint32Array(PIECE_ENTRIES),
    hash: new Int32Array(PIECE_ENTRIES),
    main: new Float64Array(PIECE_ENTRIES),
    sub: new Float64Array(PIECE_ENTRIES),
    note: new Uint32Array(PIECE_ENTRIES),
    alive: new Uint8Array(PIECE_ENTRIES),
  };
}

/** FNV-1a of 32 bits, and its high half mixed into the low one, which the table goes by. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
