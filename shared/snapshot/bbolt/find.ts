import { corrupt } from './corrupt.ts';
import type { BboltFile } from './file.ts';
import { BRANCH_FLAG, LEAF_FLAG, Leaf, readBranch } from './page.ts';
import { type BucketRoot, bucketRoot, parseInline } from './walk.ts';

const MAX_DEPTH = 48;

/** A copy of the value of one key of a top-level bucket. Throws SNAPSHOT_CORRUPT. */
export function find(file: BboltFile, bucket: string, key: Uint8Array): Buffer | undefined {
  const root = findBucket(file, bucket);
  return root === undefined ? undefined : findIn(file, root, key);
}

export function findBucket(file: BboltFile, name: string): BucketRoot | undefined {
  const key = Buffer.from(name, 'latin1');
  const leaf = descend(file, file.meta.rootPage, key);
  const index = indexOf(leaf, key);
  return index === undefined ? undefined : bucketRoot(leaf, index);
}

export function findIn(file: BboltFile, root: BucketRoot, key: Uint8Array): Buffer | undefined {
  let leaf: Leaf;
  if ('page' in root) {
    leaf = descend(file, root.page, key);
  } else {
    leaf = new Leaf();
    parseInline(leaf, root.name, root.inline);
  }
  const index = indexOf(leaf, key);
  return index === undefined ? undefined : Buffer.from(leaf.value(index));
}

function descend(file: BboltFile, root: number, key: Uint8Array): Leaf {
  let id = root;
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const { header, piece } = file.page(id);
    if (header.flags === LEAF_FLAG) {
      const leaf = new Leaf();
      leaf.parse(piece, piece.start, piece.length, `Page ${id}`);
      return leaf;
    }
    if (header.flags !== BRANCH_FLAG) throw corrupt(`Page ${id} is neither branch nor leaf.`);
    const children = readBranch(piece, `Page ${id}`);
    // The last child whose key is not above; the first where all are.
    const next = children.findLast((child) => Buffer.compare(child.key, key) <= 0) ?? children[0]!;
    id = next.page;
  }
  throw corrupt(`Page ${id} lies more than ${MAX_DEPTH} levels deep.`);
}

function indexOf(leaf: Leaf, key: Uint8Array): number | undefined {
  let low = 0;
  let high = leaf.count - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = Buffer.compare(leaf.key(middle), key);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
