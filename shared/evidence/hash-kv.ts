import { corrupt } from '../snapshot/bbolt/corrupt.ts';
import { BboltFile, WALK_CACHE_BYTES } from '../snapshot/bbolt/file.ts';
import type { Leaf } from '../snapshot/bbolt/page.ts';
import { walk } from '../snapshot/bbolt/walk.ts';
import { CRC32C_START, finishCrc32c, updateCrc32c, updateCrc32cSmall } from '../snapshot/crc32c.ts';
import { KeyTable } from '../snapshot/key-table.ts';
import { KeyValue } from '../snapshot/key-value.ts';
import { Revision } from '../snapshot/revision.ts';
import { SmallBuckets } from '../snapshot/small-buckets.ts';

export interface HashKv {
  readonly hash: number;
  /** Up to which rows were hashed. */
  readonly revision: number;
  readonly compactRevision: number;
}

/**
 * What `etcdctl endpoint hashkv --rev` answers for this store: equal on every member that has
 * compacted as far, whatever the pages look like. It is CRC-32C over the bucket's name, then name
 * and value of each row up to the revision. Of rows that the compaction has to do with, only those
 * count that a key still stands on at that revision; where no key lives then, all of them do.
 *
 * `revision` is the newest where left out. Undefined where the rows of that revision are not all
 * there: it is not above the compaction's (of the very revision of the compaction a server answers
 * what it noted before it compacted), or above the newest. Throws SNAPSHOT_NOT_FOUND,
 * SNAPSHOT_TRUNCATED, SNAPSHOT_CORRUPT.
 */
export function hashKv(path: string, revision?: number): HashKv | undefined {
  using file = new BboltFile(path, WALK_CACHE_BYTES);
  const { newest, compactRevision } = readBounds(file);
  const upTo = revision ?? newest;
  if (upTo <= compactRevision || upTo > newest) return undefined;
  const standing = compactRevision === 0 ? undefined : standingAt(file, upTo);
  const keyValue = new KeyValue();
  let state = updateCrc32cSmall(CRC32C_START, Buffer.from('key'));
  eachRow(file, (leaf, index, row) => {
    if (row.main > upTo) return;
    if (row.main <= compactRevision && standing !== undefined && standing.size > 0) {
      keyValue.parse(leaf.bytes, leaf.keyEnd(index), leaf.valueEnd(index));
      const stands = standing.get(leaf.bytes.toString('latin1', keyValue.keyStart, keyValue.keyEnd));
      if (stands?.main !== row.main || stands.sub !== row.sub) return;
    }
    state = updateCrc32c(state, leaf.bytes, leaf.words, leaf.keyStart[index]!, leaf.valueEnd(index));
  });
  return { hash: finishCrc32c(state), revision: upTo, compactRevision };
}

function readBounds(file: BboltFile): { newest: number; compactRevision: number } {
  const small = new SmallBuckets();
  let newest = 0;
  eachRow(
    file,
    (_leaf, _index, row) => {
      newest = row.main;
    },
    small,
  );
  const { compactRevision, scheduledCompactRevision } = small;
  // A server goes by what it has promised to compact, also while it is still about it.
  return { newest, compactRevision: Math.max(compactRevision, scheduledCompactRevision) };
}

/** The keys that live at this revision, each with the row that it stands on. */
function standingAt(file: BboltFile, revision: number): KeyTable {
  const standing = new KeyTable();
  const keyValue = new KeyValue();
  eachRow(file, (leaf, index, { main, sub, tombstone }) => {
    if (main > revision) return;
    const { bytes } = leaf;
    keyValue.parse(bytes, leaf.keyEnd(index), leaf.valueEnd(index));
    const { keyStart, keyEnd } = keyValue;
    if (tombstone) standing.delete(bytes, keyStart, keyEnd);
    else standing.put(bytes, keyStart, keyEnd, { main, sub, note: 0 });
  });
  return standing;
}

function eachRow(
  file: BboltFile,
  visit: (leaf: Leaf, index: number, row: Revision) => void,
  small?: SmallBuckets,
): void {
  const row = new Revision();
  let bucket = '';
  let found = false;
  walk(file, {
    bucket(name) {
      bucket = name;
      found ||= name === 'key';
    },
    leaf(leaf) {
      if (bucket !== 'key') return small?.leaf(bucket, leaf);
      for (let index = 0; index < leaf.count; index++) {
        row.parse(leaf.view, leaf.keyStart[index]!, leaf.keyBytes[index]!);
        visit(leaf, index, row);
      }
    },
  });
  if (!found) throw corrupt('The file has no bucket key: it is no etcd store.');
}
