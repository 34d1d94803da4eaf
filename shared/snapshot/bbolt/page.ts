import type { Piece } from './block-cache.ts';
import { corrupt } from './corrupt.ts';

export const PAGE_HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
export const BRANCH_FLAG = 0x01;
export const LEAF_FLAG = 0x02;
export const FREELIST_FLAG = 0x10;
/** Element flag of a nested bucket. */
export const BUCKET_ELEMENT = 0x01;

export interface PageHeader {
  readonly id: number;
  readonly flags: number;
  readonly count: number;
  /** Pages that follow and belong to the same run. */
  readonly overflow: number;
}

export function readPageHeader(piece: Piece): PageHeader {
  const { view, start } = piece;
  return {
    id: readPageId(view, start),
    flags: view.getUint16(start + 8, true),
    count: view.getUint16(start + 10, true),
    overflow: view.getUint32(start + 12, true),
  };
}

/** 64-bit page id as a number; an id that does not fit is above every high-water mark anyway. */
export function readPageId(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}

/**
 * The entries of a leaf as columns, into the bytes they lie in. One instance is reused for every
 * leaf of a walk, so that a store of millions of rows costs no garbage: what a visitor wants to
 * keep it copies.
 */
export class Leaf {
  bytes: Buffer = Buffer.alloc(0);
  words: Int32Array = new Int32Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  count = 0;
  flags = new Uint32Array(64);
  keyStart = new Float64Array(64);
  keyBytes = new Uint32Array(64);
  valueBytes = new Uint32Array(64);

  /** Parses the leaf at `start`, of `length` bytes with its header. Throws SNAPSHOT_CORRUPT. */
  parse(piece: Piece, start: number, length: number, where: string): void {
    const { view } = piece;
    this.bytes = piece.bytes;
    this.words = piece.words;
    this.view = view;
    const count = view.getUint16(start + 10, true);
    const table = start + PAGE_HEADER_BYTES;
    const data = table + count * ELEMENT_BYTES;
    const end = start + length;
    if (data > end) throw corrupt(`${where}: ${count} entries do not fit into its ${length} bytes.`);
    if (count > this.flags.length) this.#grow(count);
    this.count = count;
    let dataBytes = 0;
    for (let index = 0; index < count; index++) {
      const element = table + index * ELEMENT_BYTES;
      const keyStart = element + view.getUint32(element + 4, true);
      const keyBytes = view.getUint32(element + 8, true);
      const valueBytes = view.getUint32(element + 12, true);
      // Numbers, not 32-bit words: these sums cannot wrap around.
      if (keyStart < data || keyStart + keyBytes + valueBytes > end) {
        throw corrupt(`${where}: entry ${index} lies outside the page.`);
      }
      // bbolt writes them one after another. Laid over each other, a small page would hold a large store.
      dataBytes += keyBytes + valueBytes;
      if (dataBytes > end - data) throw corrupt(`${where}: entry ${index} lies over another.`);
      this.flags[index] = view.getUint32(element, true);
      this.keyStart[index] = keyStart;
      this.keyBytes[index] = keyBytes;
      this.valueBytes[index] = valueBytes;
    }
  }

  keyEnd(index: number): number {
    return this.keyStart[index]! + this.keyBytes[index]!;
  }

  valueEnd(index: number): number {
    return this.keyEnd(index) + this.valueBytes[index]!;
  }

  /** A view, valid as long as the leaf is. */
  key(index: number): Buffer {
    return this.bytes.subarray(this.keyStart[index], this.keyEnd(index));
  }

  /** A view, valid as long as the leaf is. */
  value(index: number): Buffer {
    return this.bytes.subarray(this.keyEnd(index), this.valueEnd(index));
  }

  #grow(count: number): void {
    this.flags = new Uint32Array(count);
    this.keyStart = new Float64Array(count);
    this.keyBytes = new Uint32Array(count);
    this.valueBytes = new Uint32Array(count);
  }
}

export interface BranchChild {
  /** A copy: children are read while it is in use. */
  readonly key: Buffer;
  readonly page: number;
}

/** The children of a branch page. Throws SNAPSHOT_CORRUPT. */
export function readBranch(piece: Piece, where: string): BranchChild[] {
  const { view, start, length } = piece;
  const count = view.getUint16(start + 10, true);
  const table = start + PAGE_HEADER_BYTES;
  const data = table + count * ELEMENT_BYTES;
  if (count === 0) throw corrupt(`${where}: a branch without children.`);
  if (data > start + length)
    throw corrupt(`${where}: ${count} children do not fit into its ${length} bytes.`);
  const children: BranchChild[] = [];
  let keysBytes = 0;
  for (let index = 0; index < count; index++) {
    const element = table + index * ELEMENT_BYTES;
    const keyStart = element + view.getUint32(element, true);
    const keyEnd = keyStart + view.getUint32(element + 4, true);
    if (keyStart < data || keyEnd > start + length) {
      throw corrupt(`${where}: child ${index} lies outside the page.`);
    }
    keysBytes += keyEnd - keyStart;
    if (keysBytes > start + length - data) throw corrupt(`${where}: child ${index} lies over another.`);
    children.push({
      key: Buffer.from(piece.bytes.subarray(keyStart, keyEnd)),
      page: readPageId(view, element + 8),
    });
  }
  return children;
}
