import { MAX_RUN_BYTES, type Piece } from '../snapshot/bbolt/block-cache.ts';
import type { BboltFile } from '../snapshot/bbolt/file.ts';
import { LEAF_FLAG, PAGE_HEADER_BYTES, readPageHeader } from '../snapshot/bbolt/page.ts';
import { KeyValue } from '../snapshot/key-value.ts';
import { REVISION_BYTES, Revision } from '../snapshot/revision.ts';
import { EtcdRow } from './etcd-row.ts';
import type { CarvedRow } from './evidence.ts';
import type { RowSet } from './row-set.ts';

const ELEMENT_BYTES = 16;
const UNDERSCORE = 0x5f;
const FIRST_PAGE = 2;
/** The kinds of pages that bbolt writes: branch, leaf, meta, list of free pages. */
const PAGE_FLAGS: ReadonlySet<number> = new Set([0x01, 0x02, 0x04, 0x10]);

export class EtcdCarvedRow extends EtcdRow implements CarvedRow {
  page = 0;
}

/**
 * Rows of the `key` bucket that lie in pages nothing reaches any more: bbolt writes a changed page
 * anew elsewhere and leaves the old one as it is until it needs the place. A page is gone through
 * as long as it is its own: where another was written into its run, that one's header stands at
 * the first place overwritten, and what follows is not read as the older page's. Pages in use
 * have nothing to carve: bbolt fills what it does not need with zeros.
 *
 * `inUse[id]` is 1 for each page that the tree reaches; `told` holds the rows of the tree, and
 * takes in those told here.
 */
export function carve(
  file: BboltFile,
  inUse: Uint8Array,
  told: RowSet,
  visit: (row: CarvedRow) => void,
): void {
  const revision = new Revision();
  const keyValue = new KeyValue();
  const row = new EtcdCarvedRow(revision, keyValue);
  for (let id = FIRST_PAGE; id < file.wholePages; id++) {
    if (inUse[id] === 1) continue;
    const header = readPageHeader(file.raw(id, 1));
    if (header.id !== id || header.flags !== LEAF_FLAG || header.count === 0) continue;
    const piece = file.raw(id, ownPages(file, inUse, id, header.overflow + 1));
    row.page = id;
    for (let index = 0; index < header.count; index++) {
      if (!readEntry(piece, header.count, index, revision, keyValue)) continue;
      if (told.add(revision.main, revision.sub)) visit(row.at(piece.bytes));
    }
  }
}

/** How many pages from this one on are still those that were written with it. */
function ownPages(file: BboltFile, inUse: Uint8Array, id: number, claimed: number): number {
  const most = Math.min(claimed, file.wholePages - id, Math.floor(MAX_RUN_BYTES / file.meta.pageSizeBytes));
  for (let pages = 1; pages < most; pages++) {
    if (inUse[id + pages] === 1) return pages;
    const header = readPageHeader(file.raw(id + pages, 1));
    if (header.id === id + pages && PAGE_FLAGS.has(header.flags)) return pages;
  }
  return Math.max(most, 1);
}

/** False where the entry is not a whole row of the `key` bucket as etcd writes it. */
export function readEntry(
  piece: Piece,
  count: number,
  index: number,
  revision: Revision,
  keyValue: KeyValue,
): boolean {
  const { view, bytes, start } = piece;
  const end = start + piece.length;
  const element = start + PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
  if (element + ELEMENT_BYTES > end || view.getUint32(element, true) !== 0) return false;
  const keyStart = element + view.getUint32(element + 4, true);
  const keyBytes = view.getUint32(element + 8, true);
  const valueStart = keyStart + keyBytes;
  const valueEnd = valueStart + view.getUint32(element + 12, true);
  if (keyBytes !== REVISION_BYTES && keyBytes !== REVISION_BYTES + 1) return false;
  if (keyStart < start + PAGE_HEADER_BYTES + count * ELEMENT_BYTES || valueEnd > end) return false;
  if (bytes[keyStart + 8] !== UNDERSCORE) return false;
  try {
    revision.parse(view, keyStart, keyBytes);
    keyValue.parse(bytes, valueStart, valueEnd);
  } catch {
    return false;
  }
  if (revision.main === 0 || keyValue.keyEnd === keyValue.keyStart) return false;
  // A put says its revision a second time: a row put together by chance does not.
  return revision.tombstone ? keyValue.modRevision === 0 : keyValue.modRevision === revision.main;
}
