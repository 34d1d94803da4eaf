import { LockstepError } from '../../errors/lockstep-error.ts';
import { finish, type Steps } from '../steps.ts';
import { corrupt } from './corrupt.ts';
import type { BboltFile } from './file.ts';
import { checkFreelist } from './freelist.ts';
import {
  BRANCH_FLAG,
  type BranchChild,
  BUCKET_ELEMENT,
  LEAF_FLAG,
  Leaf,
  PAGE_HEADER_BYTES,
  readBranch,
  readPageId,
} from './page.ts';

/** Levels below a root. A tree of this height with two children each would not fit on any disk. */
const MAX_DEPTH = 48;
const BUCKET_HEADER_BYTES = 16;
/** Of pages, between one step and the next. */
const STEP_BYTES = 128 * 1024;
/** Of a bucket's name in a message; etcd's are shorter. */
const MAX_SHOWN = 32;
/** bbolt's own bound on a key. */
const MAX_KEY_BYTES = 32768;

export interface WalkVisitor {
  /** A top-level bucket begins. Buckets come in byte order of their names. */
  bucket(name: string): void;
  /** Entries of the bucket begun last, in byte order of their keys. The leaf is reused afterwards. */
  leaf(leaf: Leaf): void;
}

/** Where a bucket's entries lie: in a tree of pages, or inside the bucket's own value. */
export type BucketRoot =
  | { readonly name: string; readonly page: number }
  | { readonly name: string; readonly inline: Buffer };

/**
 * Visits every entry of every top-level bucket in order, and holds the whole structure to what
 * bbolt writes: every page inside the file, of the right kind, reached once; keys strictly
 * ascending and within their parent's range; a written free list that holds exactly the pages
 * that nothing reaches. Throws SNAPSHOT_CORRUPT for the first thing that is not so. Returns, for
 * each page from 2 on, 1 where it is in use.
 */
export function walk(file: BboltFile, visitor: WalkVisitor): Uint8Array {
  return finish(walkInSteps(file, visitor));
}

/** As `walk`. */
export function* walkInSteps(file: BboltFile, visitor: WalkVisitor): Steps<Uint8Array> {
  const reached = new Uint8Array(file.meta.highWater);
  const tree = new TreeWalk(file, reached);
  const buckets: BucketRoot[] = [];
  yield* tree.visit(file.meta.rootPage, (leaf) => {
    for (let index = 0; index < leaf.count; index++) buckets.push(bucketRoot(leaf, index));
  });
  for (const bucket of buckets) {
    visitor.bucket(bucket.name);
    const visit = (leaf: Leaf) => {
      refuseNestedBuckets(leaf, bucket.name);
      visitor.leaf(leaf);
    };
    if ('page' in bucket) yield* tree.visit(bucket.page, visit);
    else visitInline(bucket.name, bucket.inline, visit);
  }
  checkFreelist(file, reached);
  return reached;
}

/** A bucket of the root, from its entry. etcd keeps nothing else there. */
export function bucketRoot(leaf: Leaf, index: number): BucketRoot {
  const name = leaf.key(index).toString('latin1');
  const value = leaf.value(index);
  if (leaf.flags[index] !== BUCKET_ELEMENT) throw corrupt(`The root holds an entry that is no bucket.`);
  if (value.length < BUCKET_HEADER_BYTES) throw corrupt(`Bucket ${shown(name)}: its header is cut off.`);
  const page = readPageId(new DataView(value.buffer, value.byteOffset, value.byteLength), 0);
  if (page !== 0) return { name, page };
  return { name, inline: Buffer.from(value.subarray(BUCKET_HEADER_BYTES)) };
}

/** A name for a message: a damaged one may be long, and hold what a terminal takes for commands. */
function shown(name: string): string {
  return name.slice(0, MAX_SHOWN).replaceAll(/[^!-~]/g, '?');
}

export function parseInline(leaf: Leaf, name: string, inline: Buffer): void {
  const where = `Bucket ${shown(name)}, inside its entry`;
  if (inline.length < PAGE_HEADER_BYTES) throw corrupt(`${where}: its page is cut off.`);
  // Copied to memory that starts at a multiple of four, as `updateCrc32c` wants it.
  const bytes = Buffer.from(new ArrayBuffer((inline.length + 3) & ~3));
  inline.copy(bytes);
  const view = new DataView(bytes.buffer, 0, bytes.byteLength);
  if (view.getUint16(8, true) !== LEAF_FLAG) throw corrupt(`${where}: its page is no leaf.`);
  const words = new Int32Array(bytes.buffer);
  leaf.parse({ bytes, view, words, start: 0, length: inline.length }, 0, inline.length, where);
}

/** Names the page at fault in what a visitor finds wrong with its entries. */
function visitNamed(leaf: Leaf, where: string, visit: (leaf: Leaf) => void): void {
  try {
    visit(leaf);
  } catch (thrown) {
    if (!(thrown instanceof LockstepError) || thrown.code !== 'SNAPSHOT_CORRUPT') throw thrown;
    throw corrupt(`${where}: ${thrown.message}`);
  }
}

function visitInline(name: string, inline: Buffer, visit: (leaf: Leaf) => void): void {
  const leaf = new Leaf();
  parseInline(leaf, name, inline);
  const where = `Bucket ${shown(name)}, inside its entry`;
  checkOrder(leaf, undefined, undefined, where);
  visitNamed(leaf, where, visit);
}

class TreeWalk {
  readonly #file: BboltFile;
  readonly #reached: Uint8Array;
  readonly #leaf = new Leaf();

  constructor(file: BboltFile, reached: Uint8Array) {
    this.#file = file;
    this.#reached = reached;
  }

  *visit(root: number, visit: (leaf: Leaf) => void): Steps<void> {
    // What is still to be visited, the next one last.
    const ahead: Subtree[] = [{ page: root, min: undefined, max: undefined, depth: 0 }];
    let sinceStepBytes = 0;
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      const { page: id, min, max, depth } = next;
      if (depth > MAX_DEPTH) throw corrupt(`Page ${id} lies more than ${MAX_DEPTH} levels deep.`);
      const { header, piece } = this.#file.page(id);
      this.#reach(id, header.overflow);
      if (header.flags === LEAF_FLAG) {
        const where = `Page ${id}`;
        this.#leaf.parse(piece, piece.start, piece.length, where);
        checkOrder(this.#leaf, min, max, where);
        visitNamed(this.#leaf, where, visit);
      } else if (header.flags === BRANCH_FLAG) {
        const children = readBranch(piece, `Page ${id}`);
        checkChildren(children, min, max, `Page ${id}`);
        for (let index = children.length - 1; index >= 0; index--) {
          const { key, page } = children[index]!;
          ahead.push({ page, min: key, max: children[index + 1]?.key ?? max, depth: depth + 1 });
        }
      } else {
        throw corrupt(`Page ${id} is neither branch nor leaf.`);
      }
      sinceStepBytes += piece.length;
      if (sinceStepBytes >= STEP_BYTES) {
        sinceStepBytes = 0;
        yield;
      }
    }
  }

  #reach(id: number, overflow: number): void {
    for (let page = id; page <= id + overflow; page++) {
      if (this.#reached[page] !== 0) throw corrupt(`Page ${page} is reached twice.`);
      this.#reached[page] = 1;
    }
  }
}

/** Keys under this page are at least `min` and below `max`. */
interface Subtree {
  readonly page: number;
  readonly min: Buffer | undefined;
  readonly max: Buffer | undefined;
  readonly depth: number;
}

function checkChildren(
  children: readonly BranchChild[],
  min: Buffer | undefined,
  max: Buffer | undefined,
  where: string,
): void {
  children.forEach((child, index) => {
    const previous = index === 0 ? min : children[index - 1]!.key;
    const order = previous === undefined ? 1 : Buffer.compare(child.key, previous);
    if (
      order < 0 ||
      (order === 0 && index > 0) ||
      (max !== undefined && Buffer.compare(child.key, max) >= 0)
    ) {
      throw corrupt(`${where}: the key of child ${index} is out of order.`);
    }
  });
}

function checkOrder(leaf: Leaf, min: Buffer | undefined, max: Buffer | undefined, where: string): void {
  const { bytes, count } = leaf;
  let previousStart = 0;
  let previousEnd = 0;
  for (let index = 0; index < count; index++) {
    const start = leaf.keyStart[index]!;
    const end = leaf.keyEnd(index);
    if (end === start || end - start > MAX_KEY_BYTES) {
      throw corrupt(`${where}: the key of entry ${index} has ${end - start} bytes.`);
    }
    if (index > 0 && bytes.compare(bytes, previousStart, previousEnd, start, end) <= 0) {
      throw corrupt(`${where}: entry ${index} is out of order.`);
    }
    previousStart = start;
    previousEnd = end;
  }
  if (count === 0) return;
  if (min !== undefined && Buffer.compare(leaf.key(0), min) < 0) {
    throw corrupt(`${where}: its first key is below its parent’s.`);
  }
  if (max !== undefined && Buffer.compare(leaf.key(count - 1), max) >= 0) {
    throw corrupt(`${where}: its last key is beyond its parent’s range.`);
  }
}

function refuseNestedBuckets(leaf: Leaf, name: string): void {
  for (let index = 0; index < leaf.count; index++) {
    if (leaf.flags[index] !== 0)
      throw corrupt(`Bucket ${shown(name)} holds an entry of a kind that etcd does not write.`);
  }
}
