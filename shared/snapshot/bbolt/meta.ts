import { corrupt } from './corrupt.ts';

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const META_FLAG = 4;
const PAGE_HEADER_BYTES = 16;
/** Bytes of a meta page that are read: header, meta, checksum. */
export const META_PAGE_BYTES = PAGE_HEADER_BYTES + 64;
const CHECKSUMMED_BYTES = 56;
/** Page sizes that bbolt itself probes: 1024 << 0 to 1024 << 14. */
const MIN_PAGE_BYTES = 1024;
const PROBES = 15;
/** `freelist` where the list of free pages is not written: always so for etcd on Linux. */
const FREELIST_NOT_WRITTEN = 0xffffffffffffffffn;

/** One of the two headers of a bbolt file: the newest valid one is the root of everything. */
export interface Meta {
  readonly pageSizeBytes: number;
  readonly rootPage: number;
  /** Undefined where it is not written. */
  readonly freelistPage: number | undefined;
  /** First page id that was never used; every page of the file is below. */
  readonly highWater: number;
  readonly transactionId: bigint;
}

type ReadBytes = (offset: number, length: number) => Uint8Array | undefined;

/**
 * The newest valid meta. `read` gives bytes of the file, or undefined beyond its end.
 * Throws SNAPSHOT_CORRUPT where neither is valid.
 */
export function chooseMeta(read: ReadBytes): Meta {
  const first = metaAt(read, 0);
  const candidates: Meta[] = [];
  if (first !== undefined) {
    candidates.push(first);
    const second = metaAt(read, first.pageSizeBytes);
    if (second !== undefined) candidates.push(second);
  } else {
    // Where the first is damaged, the page size is not known: the second lies one page in.
    for (let probe = 0; probe < PROBES && candidates.length === 0; probe++) {
      const second = metaAt(read, MIN_PAGE_BYTES << probe);
      if (second?.pageSizeBytes === MIN_PAGE_BYTES << probe) candidates.push(second);
    }
  }
  const newest = candidates.reduce<Meta | undefined>(
    (best, meta) => (best === undefined || meta.transactionId > best.transactionId ? meta : best),
    undefined,
  );
  if (newest === undefined) throw corrupt(whyNoMeta(read));
  if (candidates.some((meta) => meta.pageSizeBytes !== newest.pageSizeBytes)) {
    throw corrupt('Pages 0 and 1, the headers, disagree about the size of a page.');
  }
  return newest;
}

function metaAt(read: ReadBytes, offset: number): Meta | undefined {
  const page = read(offset, META_PAGE_BYTES);
  if (page === undefined) return undefined;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const at = PAGE_HEADER_BYTES;
  if (view.getUint16(8, true) !== META_FLAG) return undefined;
  if (view.getUint32(at, true) !== MAGIC || view.getUint32(at + 4, true) !== VERSION) return undefined;
  const checksum = fnv1a64(page.subarray(at, at + CHECKSUMMED_BYTES));
  if (view.getBigUint64(at + CHECKSUMMED_BYTES, true) !== checksum) return undefined;

  const where = `Page ${offset === 0 ? 0 : 1}, a header,`;
  const pageSizeBytes = view.getUint32(at + 8, true);
  const isPowerOfTwo = (pageSizeBytes & (pageSizeBytes - 1)) === 0;
  if (!isPowerOfTwo || pageSizeBytes < MIN_PAGE_BYTES || pageSizeBytes > MIN_PAGE_BYTES << (PROBES - 1)) {
    throw corrupt(`${where} names a page size of ${pageSizeBytes} bytes.`);
  }
  const root = view.getBigUint64(at + 16, true);
  const freelist = view.getBigUint64(at + 32, true);
  const highWater = view.getBigUint64(at + 40, true);
  if (highWater > BigInt(Number.MAX_SAFE_INTEGER) / BigInt(pageSizeBytes)) {
    throw corrupt(`${where} claims ${highWater} pages.`);
  }
  if (root < 2n || root >= highWater)
    throw corrupt(`${where} names root page ${root}, outside the file’s ${highWater}.`);
  const written = freelist !== FREELIST_NOT_WRITTEN;
  if (written && (freelist < 2n || freelist >= highWater)) {
    throw corrupt(`${where} names page ${freelist} for the free list, outside the file’s ${highWater}.`);
  }
  return {
    pageSizeBytes,
    rootPage: Number(root),
    freelistPage: written ? Number(freelist) : undefined,
    highWater: Number(highWater),
    transactionId: view.getBigUint64(at + 48, true),
  };
}

function whyNoMeta(read: ReadBytes): string {
  const page = read(0, META_PAGE_BYTES);
  if (page === undefined) return 'The file is too short to be an etcd store.';
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  if (view.getUint32(PAGE_HEADER_BYTES, false) === MAGIC) {
    return 'The file was written on a big-endian machine, which Lockstep does not read.';
  }
  return 'Neither header (page 0, page 1) is valid: the file is no etcd store, or its first pages are damaged.';
}

/** FNV-1a of 64 bits. Over 56 bytes only, so clarity comes before speed. */
export function fnv1a64(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
