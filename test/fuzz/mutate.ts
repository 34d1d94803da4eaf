import { resealMeta } from '@lockstep/shared/snapshot/testing/store-writer.ts';
import { Random } from '../sim/world/random.ts';
import type { Seed } from './corpus.ts';

const HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
const BRANCH = 1;
const LEAF = 2;
const MAX_CHANGES = 4;
/** Numbers at which bounds break. */
const EDGES = [0, 1, 2, 15, 16, 17, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];
const WIDE_EDGES = [0n, 1n, 2n, 3n, 0xffffn, 1n << 31n, 1n << 32n, 1n << 53n, 1n << 63n, 0xffffffffffffffffn];

export interface Mutant {
  readonly seed: Seed;
  readonly bytes: Buffer;
  /** What was done to it, for who has to understand a finding. */
  readonly changes: readonly string[];
}

/** Mutant number `index` of a run: the same every time. Every second one knows of pages. */
export function mutantOf(corpus: readonly Seed[], runSeed: bigint, index: number): Mutant {
  const random = new Random(runSeed * 0x1_0000_0000n + BigInt(index));
  const seed = random.pick(corpus);
  const mutation = new Mutation(seed, random);
  const count = random.between(1, MAX_CHANGES);
  for (let change = 0; change < count; change++) {
    if (index % 2 === 0) mutation.changePage();
    else mutation.changeBytes();
  }
  return { seed, bytes: mutation.bytes, changes: mutation.changes };
}

class Mutation {
  bytes: Buffer;
  readonly changes: string[] = [];
  readonly #random: Random;
  readonly #pageBytes: number;

  constructor(seed: Seed, random: Random) {
    this.bytes = Buffer.from(seed.bytes);
    this.#random = random;
    this.#pageBytes = seed.pageSizeBytes;
  }

  changeBytes(): void {
    const random = this.#random;
    const { length } = this.bytes;
    if (length < 64) return;
    const at = random.below(length - 32);
    const span = random.between(1, Math.min(length - at, 1 << random.between(0, 13)));
    switch (random.below(8)) {
      case 0:
        this.bytes[at]! ^= 1 << random.below(8);
        return this.#did(`bit of byte ${at} turned over`);
      case 1:
        this.bytes[at] = random.bits();
        return this.#did(`byte ${at} set`);
      case 2:
        this.bytes.writeUInt32LE(random.pick(EDGES), at);
        return this.#did(`word at ${at} set`);
      case 3:
        this.bytes.writeBigUInt64BE(random.pick(WIDE_EDGES), at);
        return this.#did(`8 bytes at ${at} set`);
      case 4:
        this.bytes.fill(random.pick([0, 0xff]), at, at + span);
        return this.#did(`${span} bytes at ${at} filled`);
      case 5:
        for (let each = at; each < at + span; each++) this.bytes[each] = random.bits();
        return this.#did(`${span} bytes at ${at} made noise`);
      case 6:
        this.bytes.copyWithin(at, random.below(length - span), length);
        return this.#did(`bytes from ${at} on overwritten by others`);
      default:
        this.bytes = random.chance(0.5)
          ? Buffer.from(this.bytes.subarray(0, at))
          : Buffer.concat([this.bytes, this.bytes.subarray(at, at + span)]);
        return this.#did(`length made ${this.bytes.length}`);
    }
  }

  changePage(): void {
    const pages = Math.floor(this.bytes.length / this.#pageBytes);
    if (pages < 4) return this.changeBytes();
    const random = this.#random;
    if (random.chance(0.15)) return this.#changeHeader();
    const page = random.between(2, pages - 1);
    const start = page * this.#pageBytes;
    const flags = this.bytes.readUInt16LE(start + 8);
    const count = this.bytes.readUInt16LE(start + 10);
    const what = random.below(flags === BRANCH || flags === LEAF ? 8 : 4);
    switch (what) {
      case 0:
        return this.#changePageHeader(page, pages);
      case 1: {
        // A copy under its own number, so that only what points to it can tell.
        const from = random.between(2, pages - 1) * this.#pageBytes;
        this.bytes.copy(this.bytes, start, from, from + this.#pageBytes);
        if (random.chance(0.7)) this.bytes.writeBigUInt64LE(BigInt(page), start);
        return this.#did(`page ${page} overwritten by page ${from / this.#pageBytes}`);
      }
      case 2:
        this.bytes.fill(0, start, start + this.#pageBytes);
        return this.#did(`page ${page} emptied`);
      case 3: {
        const offset = start + random.below(this.#pageBytes - 8);
        this.bytes.writeBigUInt64LE(random.pick(WIDE_EDGES), offset);
        return this.#did(`8 bytes in page ${page} set`);
      }
      default:
        return this.#changeElement(page, flags, random.below(Math.max(count, 1)), pages);
    }
  }

  #changePageHeader(page: number, pages: number): void {
    const random = this.#random;
    const start = page * this.#pageBytes;
    switch (random.below(4)) {
      case 0:
        this.bytes.writeBigUInt64LE(BigInt(random.below(pages)), start);
        return this.#did(`page ${page} says another number`);
      case 1:
        this.bytes.writeUInt16LE(random.pick([0, 1, 2, 3, 4, 0x10, 0xffff]), start + 8);
        return this.#did(`page ${page} of another kind`);
      case 2:
        this.bytes.writeUInt16LE(random.pick([0, 1, 255, 1000, 0xffff]), start + 10);
        return this.#did(`page ${page} of another count`);
      default:
        this.bytes.writeUInt32LE(random.pick([0, 1, 2, pages - page, pages, ...EDGES]), start + 12);
        return this.#did(`page ${page} of another length`);
    }
  }

  /** An entry of a table: sizes, places, children (cycles among them), and the bytes it stands for. */
  #changeElement(page: number, flags: number, index: number, pages: number): void {
    const random = this.#random;
    const start = page * this.#pageBytes;
    const element = start + HEADER_BYTES + index * ELEMENT_BYTES;
    if (element + ELEMENT_BYTES + 8 > this.bytes.length) return this.changeBytes();
    const size = () =>
      random.pick([...EDGES, this.#pageBytes, random.below(this.#pageBytes), random.below(64)]);
    if (flags === BRANCH && random.chance(0.6)) {
      const child = random.pick([page, 0, 1, pages - 1, pages, random.below(pages)]);
      this.bytes.writeBigUInt64LE(BigInt(child), element + 8);
      return this.#did(`child ${index} of page ${page} is page ${child}`);
    }
    const place = element + this.bytes.readUInt32LE(element + (flags === LEAF ? 4 : 0));
    if (random.chance(0.5) && place + 64 < this.bytes.length) {
      return this.#changeEntry(page, index, place, pages);
    }
    if (random.chance(0.3)) {
      // Every entry over the same bytes: a small page that stands for a large store.
      const count = this.bytes.readUInt16LE(start + 10);
      const last = Math.min(count, Math.floor((this.bytes.length - start) / ELEMENT_BYTES) - 2);
      const bytes = random.below(this.#pageBytes);
      for (let each = 0; each < last; each++) {
        this.bytes.writeUInt32LE(
          bytes,
          start + HEADER_BYTES + each * ELEMENT_BYTES + (flags === LEAF ? 12 : 4),
        );
      }
      return this.#did(`all entries of page ${page} of ${bytes} bytes`);
    }
    const field = random.below(4) * 4;
    this.bytes.writeUInt32LE(size(), element + field);
    return this.#did(`field ${field} of entry ${index} of page ${page} set`);
  }

  /** A bucket's root, a row's revision, or the lengths within a row. */
  #changeEntry(page: number, index: number, place: number, pages: number): void {
    const random = this.#random;
    const at = place + random.below(48);
    if (random.chance(0.4)) this.bytes.writeBigUInt64LE(BigInt(random.below(pages + 1)), at);
    else if (random.chance(0.5)) this.bytes.writeBigUInt64BE(random.pick(WIDE_EDGES), at);
    else this.bytes[at] = random.pick([0, 0x5f, 0x74, 0x0a, 0x7f, 0x80, 0xff, random.bits() & 0xff]);
    this.#did(`bytes of entry ${index} of page ${page} set`);
  }

  /** One or both of the headers, with the checksum made right again. */
  #changeHeader(): void {
    const random = this.#random;
    const field = random.pick([8, 16, 32, 40, 48]);
    const pages = Math.floor(this.bytes.length / this.#pageBytes);
    const value = random.pick([...WIDE_EDGES, BigInt(random.below(pages + 2)), 512n, 1024n, 4096n, 65_536n]);
    const which = random.pick([[0], [1], [0, 1]]);
    for (const header of which) {
      const offset = header * this.#pageBytes;
      const at = offset + HEADER_BYTES + field;
      if (field === 8) this.bytes.writeUInt32LE(Number(value & 0xffffffffn), at);
      else this.bytes.writeBigUInt64LE(value, at);
      if (random.chance(0.95)) resealMeta(this.bytes, offset);
    }
    this.#did(`field ${field} of header ${which.join(' and ')} made ${value}`);
  }

  #did(change: string): void {
    this.changes.push(change);
  }
}
