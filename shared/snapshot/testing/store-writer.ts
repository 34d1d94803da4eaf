import { createHash } from 'node:crypto';
import { message } from '../../kubernetes/testing/wire-writer.ts';

/* For tests: small bbolt files, written from nothing but the format. */

export type Entry = readonly [key: Uint8Array | string, value: Uint8Array | string];

export interface StoreLayout {
  readonly pageSizeBytes?: number;
  /** Entries per leaf page; few make a tree of several levels. */
  readonly entriesPerLeaf?: number;
  readonly childrenPerBranch?: number;
  /** Buckets of at most this many entries lie inside their own entry of the root. */
  readonly inlineUpTo?: number;
  /** Writes the list of free pages, with this many free pages in it. */
  readonly freePages?: number;
}

const HEADER_BYTES = 16;
const META_BYTES = 64;

/** A store without a trailer. Entries are taken in the order given, so that a test can break it. */
export function writeStore(
  buckets: Readonly<Record<string, readonly Entry[]>>,
  layout: StoreLayout = {},
): Buffer {
  return new StoreWriter(layout).write(buckets);
}

/** The image with its SHA-256 behind it, as etcd saves a snapshot. */
export function sealed(image: Uint8Array): Buffer {
  return Buffer.concat([image, createHash('sha256').update(image).digest()]);
}

/** Changes a copy of the image. */
export function damaged(image: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(image);
  change(copy);
  return copy;
}

/** Writes the checksum of the meta page at this offset again, so that a change in it counts. */
export function resealMeta(image: Buffer, offset: number): void {
  const at = offset + HEADER_BYTES;
  image.writeBigUInt64LE(fnv1a(image.subarray(at, at + 56)), at + 56);
}

export function putRow(main: number, sub: number, key: string, value: Uint8Array | string): Entry {
  const row = message([1, key], [2, BigInt(main)], [3, BigInt(main)], [4, 1n], [5, value]);
  return [revisionName(main, sub), row];
}

export function tombstoneRow(main: number, sub: number, key: string): Entry {
  return [Buffer.concat([revisionName(main, sub), Buffer.from('t')]), message([1, key])];
}

export function revisionName(main: number, sub: number): Buffer {
  const name = Buffer.alloc(17);
  name.writeBigInt64BE(BigInt(main), 0);
  name.write('_', 8);
  name.writeBigInt64BE(BigInt(sub), 9);
  return name;
}

class StoreWriter {
  readonly #pageSizeBytes: number;
  readonly #layout: StoreLayout;
  readonly #pages: Buffer[] = [];

  constructor(layout: StoreLayout) {
    this.#layout = layout;
    this.#pageSizeBytes = layout.pageSizeBytes ?? 4096;
  }

  write(buckets: Readonly<Record<string, readonly Entry[]>>): Buffer {
    const { freePages } = this.#layout;
    this.#pages.push(Buffer.alloc(this.#pageSizeBytes), Buffer.alloc(this.#pageSizeBytes));
    const roots = Object.entries(buckets)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entries]) => this.#bucket(name, entries));
    const root = this.#append(leafPage(roots, 1));
    const freelist = freePages === undefined ? undefined : this.#freelist(freePages);
    [0, 1].forEach((index) => this.#meta(index, root, freelist));
    return Buffer.concat(this.#pages);
  }

  #bucket(name: string, entries: readonly Entry[]): Entry {
    const header = Buffer.alloc(16);
    if (entries.length <= (this.#layout.inlineUpTo ?? 0))
      return [name, Buffer.concat([header, leafPage(entries, 0)])];
    header.writeBigUInt64LE(BigInt(this.#tree(entries)), 0);
    return [name, header];
  }

  #tree(entries: readonly Entry[]): number {
    let level = chunks(entries, this.#layout.entriesPerLeaf ?? 8).map((chunk) => ({
      key: Buffer.from(chunk[0]?.[0] ?? ''),
      page: this.#append(leafPage(chunk, 0)),
    }));
    while (level.length > 1) {
      level = chunks(level, this.#layout.childrenPerBranch ?? 4).map((chunk) => ({
        key: chunk[0]!.key,
        page: this.#append(branchPage(chunk)),
      }));
    }
    return level[0]!.page;
  }

  #freelist(count: number): number {
    const free = Array.from({ length: count }, () => this.#append(Buffer.alloc(HEADER_BYTES)));
    const body = Buffer.alloc(HEADER_BYTES + count * 8);
    body.writeUInt16LE(0x10, 8);
    body.writeUInt16LE(count, 10);
    free.forEach((page, index) => body.writeBigUInt64LE(BigInt(page), HEADER_BYTES + index * 8));
    return this.#append(body);
  }

  /** Takes the next pages for this one; its id and overflow are written here. */
  #append(page: Buffer): number {
    const id = this.#pages.reduce((sum, each) => sum + each.length, 0) / this.#pageSizeBytes;
    const pages = Math.ceil(page.length / this.#pageSizeBytes);
    const run = Buffer.alloc(pages * this.#pageSizeBytes);
    page.copy(run);
    run.writeBigUInt64LE(BigInt(id), 0);
    run.writeUInt32LE(pages - 1, 12);
    this.#pages.push(run);
    return id;
  }

  #meta(index: number, root: number, freelist: number | undefined): void {
    const page = this.#pages[index]!;
    const highWater = this.#pages.reduce((sum, each) => sum + each.length, 0) / this.#pageSizeBytes;
    page.writeBigUInt64LE(BigInt(index), 0);
    page.writeUInt16LE(4, 8);
    const meta = page.subarray(HEADER_BYTES, HEADER_BYTES + META_BYTES);
    meta.writeUInt32LE(0xed0cdaed, 0);
    meta.writeUInt32LE(2, 4);
    meta.writeUInt32LE(this.#pageSizeBytes, 8);
    meta.writeBigUInt64LE(BigInt(root), 16);
    meta.writeBigUInt64LE(freelist === undefined ? 0xffffffffffffffffn : BigInt(freelist), 32);
    meta.writeBigUInt64LE(BigInt(highWater), 40);
    // As in a snapshot: both from one transaction, the first the newer.
    meta.writeBigUInt64LE(BigInt(7 - index), 48);
    resealMeta(page, 0);
  }
}

function leafPage(entries: readonly Entry[], elementFlags: number): Buffer {
  const page = Buffer.alloc(HEADER_BYTES + entries.length * 16);
  page.writeUInt16LE(2, 8);
  page.writeUInt16LE(entries.length, 10);
  const data: Buffer[] = [];
  let end = page.length;
  entries.forEach(([key, value], index) => {
    const [keyBytes, valueBytes] = [Buffer.from(key), Buffer.from(value)];
    const element = HEADER_BYTES + index * 16;
    page.writeUInt32LE(elementFlags, element);
    page.writeUInt32LE(end - element, element + 4);
    page.writeUInt32LE(keyBytes.length, element + 8);
    page.writeUInt32LE(valueBytes.length, element + 12);
    data.push(keyBytes, valueBytes);
    end += keyBytes.length + valueBytes.length;
  });
  return Buffer.concat([page, ...data]);
}

function branchPage(children: readonly { key: Buffer; page: number }[]): Buffer {
  const page = Buffer.alloc(HEADER_BYTES + children.length * 16);
  page.writeUInt16LE(1, 8);
  page.writeUInt16LE(children.length, 10);
  let end = page.length;
  children.forEach(({ key, page: child }, index) => {
    const element = HEADER_BYTES + index * 16;
    page.writeUInt32LE(end - element, element);
    page.writeUInt32LE(key.length, element + 4);
    page.writeBigUInt64LE(BigInt(child), element + 8);
    end += key.length;
  });
  return Buffer.concat([page, ...children.map(({ key }) => key)]);
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.max(1, Math.ceil(items.length / size));
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** FNV-1a of 64 bits, written apart from the reader's own, so that one cannot hide the other's fault. */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 14695981039346656037n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 1099511628211n);
  return hash;
}
