import type { SnapshotFacts } from '../generated/lockstep/v1/snapshot.ts';
import { corrupt } from './bbolt/corrupt.ts';
import { BboltFile, WALK_CACHE_BYTES } from './bbolt/file.ts';
import { walkInSteps } from './bbolt/walk.ts';
import { kubernetesFacts } from './kubernetes-facts.ts';
import { KeyBucket } from './live-rows.ts';
import { SmallBuckets } from './small-buckets.ts';
import { StatusHash } from './status-hash.ts';
import type { Steps } from './steps.ts';
import { StoreReader } from './store-reader.ts';

/** Everything but what only a reading of the file from end to end can say. */
export type StoreFacts = Omit<
  SnapshotFacts,
  'fileSha256' | 'fileSizeBytes' | 'trailerPresent' | 'trailerValid'
> & {
  /** Bytes that the file's own header says are its pages. */
  readonly imageBytes: number;
};

export interface CollectOptions {
  /** Rows up to this revision are the content; all of them where left out. */
  readonly contentUpToRevision?: bigint;
}

/**
 * Walks the whole store once. Throws SNAPSHOT_NOT_FOUND, SNAPSHOT_TRUNCATED, and
 * SNAPSHOT_CORRUPT for the first page, row or bound that is not as etcd writes it. A Kubernetes
 * value that cannot be decoded is no error.
 */
export function* collectFacts(path: string, options: CollectOptions): Steps<StoreFacts> {
  const contentUpTo = options.contentUpToRevision;
  const bucket = new KeyBucket(contentUpTo === undefined ? Number.MAX_SAFE_INTEGER : Number(contentUpTo));
  const small = new SmallBuckets();
  const hash = new StatusHash();
  const seen = new Set<string>();
  let entries = 0;
  let name = '';

  using file = new BboltFile(path, WALK_CACHE_BYTES);
  yield* walkInSteps(file, {
    bucket(next) {
      name = next;
      seen.add(next);
      hash.bucket(next);
    },
    leaf(leaf) {
      hash.leaf(leaf);
      entries += leaf.count;
      if (name === 'key') bucket.leaf(leaf);
      else small.leaf(name, leaf);
    },
  });
  for (const required of ['key', 'meta']) {
    if (!seen.has(required)) throw corrupt(`The file has no bucket ${required}: it is no etcd store.`);
  }

  using reader = new StoreReader(path);
  const kubernetes = yield* kubernetesFacts(bucket, (row) => reader.value(row.main, row.sub));
  const { imageBytes } = file;
  return {
    imageBytes,
    status: {
      hash: hash.value(),
      revision: BigInt(bucket.revision),
      totalEntries: BigInt(entries),
      liveKeys: BigInt(bucket.live.size),
      totalSizeBytes: BigInt(imageBytes),
      storageVersion: small.storageVersion,
    },
    contentSha256: bucket.contentSha256(),
    contentRevision: contentUpTo ?? BigInt(bucket.revision),
    rowsAboveContent: BigInt(bucket.rowsAboveContent),
    onlyBumpRowAboveContent: bucket.onlyBumpRowAboveContent,
    compactRevision: BigInt(small.compactRevision),
    scheduledCompactRevision: BigInt(small.scheduledCompactRevision),
    consistentIndex: small.consistentIndex,
    clusterVersion: small.clusterVersion,
    authEnabled: small.authEnabled,
    members: small.members,
    alarms: small.alarms,
    leaseCount: BigInt(small.leaseCount),
    shortLeaseCount: BigInt(small.shortLeaseCount),
    ...kubernetes,
  };
}
