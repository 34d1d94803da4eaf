import { corrupt } from './corrupt.ts';
import type { BboltFile } from './file.ts';
import { FREELIST_FLAG, PAGE_HEADER_BYTES, readPageId } from './page.ts';

/** `count` where the number of ids does not fit into the header: the first id is then the count. */
const COUNT_OVERFLOW = 0xffff;
/** Mark of a page that the list names, beside 1 for a page in use. */
const FREE = 2;

/**
 * Where the list of free pages is written (macOS, Windows): it names pages of this file, none
 * twice, none that is in use, and every page that is not. Throws SNAPSHOT_CORRUPT.
 */
export function checkFreelist(file: BboltFile, reached: Uint8Array): void {
  const { freelistPage, highWater } = file.meta;
  if (freelistPage === undefined) return;
  const { header, piece } = file.page(freelistPage);
  if (header.flags !== FREELIST_FLAG) throw corrupt(`Page ${freelistPage} is no list of free pages.`);
  for (let page = freelistPage; page <= freelistPage + header.overflow; page++) {
    if (reached[page] !== 0) throw corrupt(`Page ${page} is reached twice.`);
    reached[page] = 1;
  }
  const { view } = piece;
  const end = piece.start + piece.length;
  let at = piece.start + PAGE_HEADER_BYTES;
  let count = header.count;
  if (count === COUNT_OVERFLOW) {
    if (at + 8 > end) throw corrupt(`Page ${freelistPage}: the list of free pages is cut off.`);
    count = readPageId(view, at);
    at += 8;
  }
  if (at + count * 8 > end)
    throw corrupt(`Page ${freelistPage}: the list of free pages claims ${count} of them.`);
  for (let index = 0; index < count; index++, at += 8) {
    const page = readPageId(view, at);
    if (page < 2 || page >= highWater)
      throw corrupt(`Page ${freelistPage}: free page ${page} is outside the file’s ${highWater}.`);
    if (reached[page] !== 0) throw corrupt(`Page ${page} is in use and free at once, or free twice.`);
    reached[page] = FREE;
  }
  for (let page = 2; page < highWater; page++) {
    if (reached[page] === 0) throw corrupt(`Page ${page} is neither in use nor free.`);
  }
}
