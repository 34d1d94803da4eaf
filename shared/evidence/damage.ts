import { LockstepError } from '../errors/lockstep-error.ts';
import { corrupt } from '../snapshot/bbolt/corrupt.ts';
import { BboltFile, WALK_CACHE_BYTES } from '../snapshot/bbolt/file.ts';
import { BRANCH_FLAG, LEAF_FLAG, Leaf, readBranch } from '../snapshot/bbolt/page.ts';
import { type BucketRoot, bucketRoot, parseInline } from '../snapshot/bbolt/walk.ts';
import { KeyValue } from '../snapshot/key-value.ts';
import { Revision } from '../snapshot/revision.ts';
import { carve, EtcdCarvedRow, readEntry } from './carve.ts';
import type { CarvedRow } from './evidence.ts';
import { RowSet } from './row-set.ts';

/** Faults that are named; the count is always whole. */
export const MAX_FAULTS = 1000;
const MAX_DEPTH = 48;

export interface Fault {
  readonly page: number;
  /** "Page 12 says it is page 9." */
  readonly what: string;
}

export interface Damage {
  /** In the order of the tree; at most MAX_FAULTS. */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
  /** Bytes that the file lacks, by its own header; 0 where it is whole. */
  readonly missingBytes: number;
  /** Rows that the tree still leads to. */
  readonly rowsInTree: number;
  /** Rows in pages that it does not lead to (any more). */
  readonly rowsBeside: number;
}

/**
 * Reads what can be read of a damaged etcd file, and says of each page what is wrong with it
 * instead of refusing the file at the first. A row comes with `inTree` where the tree leads to it;
 * the others are in pages that it does not lead to: there, what was superseded before the damage
 * and what was current cannot be told apart. Order between pages, and whether a key's newest row
 * is among those told, are not vouched for.
 *
 * Throws SNAPSHOT_NOT_FOUND; SNAPSHOT_TRUNCATED and SNAPSHOT_CORRUPT only where no header of the
 * file is left to go by.
 */
export function readDamaged(path: string, visit: (row: CarvedRow, inTree: boolean) => void): Damage {
  using file = new BboltFile(path, WALK_CACHE_BYTES, { cutOff: true });
  const reading = new DamagedTree(file, (row) => visit(row, true));
  reading.readAll();
  const { told, reached, rows: rowsInTree } = reading;
  let rowsBeside = 0;
  carve(file, reached, told, (row) => {
    rowsBeside++;
    visit(row, false);
  });
  const { faults, faultCount } = reading;
  const missingBytes = Math.max(0, file.imageBytes - file.sizeBytes);
  return { faults, faultCount, missingBytes, rowsInTree, rowsBeside };
}

class DamagedTree {
  readonly faults: Fault[] = [];
  faultCount = 0;
  rows = 0;
  readonly told = new RowSet();
  /** 1 for each page that was read as one of the tree's. */
  readonly reached: Uint8Array;
  readonly #file: BboltFile;
  readonly #visit: (row: CarvedRow) => void;
  readonly #revision = new Revision();
  readonly #keyValue = new KeyValue();
  readonly #row: EtcdCarvedRow;

  constructor(file: BboltFile, visit: (row: CarvedRow) => void) {
    this.#file = file;
    this.#visit = visit;
    this.#row = new EtcdCarvedRow(this.#revision, this.#keyValue);
    // A header may claim any number of pages; those beyond the file are never read.
    this.reached = new Uint8Array(Math.min(file.meta.highWater, file.wholePages));
  }

  readAll(): void {
    const { rootPage } = this.#file.meta;
    const buckets: BucketRoot[] = [];
    this.#page(rootPage, 0, (page) => {
      const leaf = this.#parse(page);
      if (leaf === undefined) return;
      for (let index = 0; index < leaf.count; index++) {
        this.#noting(page, () => buckets.push(bucketRoot(leaf, index)));
      }
    });
    for (const bucket of buckets) {
      const ofKeys = bucket.name === 'key';
      const visit = (page: number) => void (ofKeys ? this.#keyLeaf(page) : this.#parse(page));
      if ('page' in bucket) this.#page(bucket.page, 0, visit);
      // etcd's keys never fit in there: of the others only that they can be read is told.
      else this.#noting(rootPage, () => parseInline(new Leaf(), bucket.name, bucket.inline));
    }
    if (!buckets.some(({ name }) => name === 'key')) this.#fault(rootPage, 'The bucket key is not found.');
  }

  #page(id: number, depth: number, visitLeaf: (page: number) => void): void {
    const children: number[] = [];
    this.#noting(id, () => {
      if (depth > MAX_DEPTH) throw corrupt(`Page ${id} lies more than ${MAX_DEPTH} levels deep.`);
      const { header, piece } = this.#file.page(id);
      for (let page = id; page <= id + header.overflow; page++) {
        if (this.reached[page] === 1) throw corrupt(`Page ${page} is reached twice.`);
      }
      if (header.flags !== LEAF_FLAG && header.flags !== BRANCH_FLAG) {
        throw corrupt(`Page ${id} is neither branch nor leaf.`);
      }
      this.reached.fill(1, id, id + header.overflow + 1);
      if (header.flags === LEAF_FLAG) return visitLeaf(id);
      children.push(...readBranch(piece, `Page ${id}`).map(({ page }) => page));
    });
    for (const child of children) this.#page(child, depth + 1, visitLeaf);
  }

  /** Undefined where its table cannot be read. */
  #parse(page: number): Leaf | undefined {
    const leaf = new Leaf();
    const { piece } = this.#file.page(page);
    const whole = this.#noting(page, () => leaf.parse(piece, piece.start, piece.length, `Page ${page}`));
    return whole ? leaf : undefined;
  }

  #keyLeaf(page: number): void {
    const { header, piece } = this.#file.page(page);
    let unread = 0;
    this.#row.page = page;
    for (let index = 0; index < header.count; index++) {
      if (!readEntry(piece, header.count, index, this.#revision, this.#keyValue)) unread++;
      else if (this.told.add(this.#revision.main, this.#revision.sub)) {
        this.rows++;
        this.#visit(this.#row.at(piece.bytes));
      }
    }
    if (unread > 0) this.#fault(page, `Page ${page}: ${unread} of its ${header.count} entries are no rows.`);
  }

  /** False where it threw that something of the file is wrong: that is noted. */
  #noting(page: number, read: () => void): boolean {
    try {
      read();
      return true;
    } catch (thrown) {
      if (!(thrown instanceof LockstepError) || thrown.code !== 'SNAPSHOT_CORRUPT') throw thrown;
      this.#fault(page, thrown.message);
      return false;
    }
  }

  #fault(page: number, what: string): void {
    this.faultCount++;
    if (this.faults.length < MAX_FAULTS) this.faults.push({ page, what });
  }
}
