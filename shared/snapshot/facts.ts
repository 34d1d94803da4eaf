import { LockstepError } from '../errors/lockstep-error.ts';
import type { SnapshotFacts } from '../generated/lockstep/v1/snapshot.ts';
import { corrupt } from './bbolt/corrupt.ts';
import { collectFacts, type StoreFacts } from './collect-facts.ts';
import { runTask } from './in-worker.ts';
import { inSlices } from './steps.ts';
import { type FileDigests, requireTrailer, TRAILER_BYTES } from './trailer.ts';

export interface ReadOptions {
  /** `required` for a snapshot as etcd saves it; `absent` for a store in a data directory. */
  readonly trailer: 'required' | 'absent';
  /**
   * Rows up to this revision are the content that `contentSha256` is of; all rows where left out.
   * Asked for a snapshot's own revision, a store restored from it has the snapshot's digest.
   */
  readonly contentUpToRevision?: bigint;
  /** A large file is read at the lowest priority: whoever waits for it can wait. */
  readonly background?: boolean;
  /**
   * The tree is walked on this thread, in slices: for a program that has nothing else to do, and
   * would wait a tenth of a second for a worker that only then begins.
   */
  readonly walkHere?: boolean;
}

/**
 * Reads a snapshot, or a stopped member's store, from end to end and says what is in it. The file
 * is only read. Throws, in this order of precedence: SNAPSHOT_NOT_FOUND, SNAPSHOT_TRUNCATED,
 * SNAPSHOT_TRAILER_MISSING, SNAPSHOT_TRAILER_MISMATCH, SNAPSHOT_CORRUPT.
 */
export async function readSnapshotFacts(
  path: string,
  options: ReadOptions,
  signal: AbortSignal,
): Promise<SnapshotFacts> {
  const { contentUpToRevision, background = false, walkHere = false } = options;
  const collect = contentUpToRevision === undefined ? {} : { contentUpToRevision };
  // The digest goes through the file in its own order and the walk in the tree's: side by side
  // they take the time of the slower, and the first warms the page cache for the second.
  const [digests, store] = await Promise.allSettled([
    runTask('digest', { path }, signal, background),
    walkHere
      ? inSlices(collectFacts(path, collect), signal)
      : runTask('facts', { path, options: collect }, signal, background),
  ]);
  signal.throwIfAborted();
  if (digests.status === 'rejected') throw digests.reason;
  return judge(path, options, digests.value, store);
}

/**
 * As `readSnapshotFacts` of a snapshot, for who wrote it just now and digested every byte on the
 * way: the file is gone through once less. It is read in slices whatever its size: a worker would
 * hold some 25 MB more, and there is no digest that it could go beside.
 */
export async function readReceivedFacts(
  path: string,
  digests: FileDigests,
  signal: AbortSignal,
): Promise<SnapshotFacts> {
  const [store] = await Promise.allSettled([inSlices(collectFacts(path, {}), signal)]);
  signal.throwIfAborted();
  return judge(path, { trailer: 'required' }, digests, store);
}

function judge(
  path: string,
  options: ReadOptions,
  file: FileDigests,
  store: PromiseSettledResult<StoreFacts>,
): SnapshotFacts {
  const failed = store.status === 'rejected' ? asCode(store.reason) : undefined;
  if (failed === 'SNAPSHOT_TRUNCATED' && store.status === 'rejected') throw store.reason;
  if (options.trailer === 'required') {
    if (store.status === 'fulfilled') refuseCutTrailer(path, file, store.value);
    requireTrailer(path, file);
  }
  if (store.status === 'rejected') throw store.reason;
  const { imageBytes, ...facts } = store.value;
  if (options.trailer === 'required' && file.sizeBytes !== imageBytes + TRAILER_BYTES) {
    throw corrupt(`${path} has ${file.sizeBytes - imageBytes - TRAILER_BYTES} bytes that belong to no page.`);
  }
  return {
    ...facts,
    // From a worker a Buffer arrives as a plain Uint8Array.
    encryption: facts.encryption.map((use) => ({ ...use, sampleValue: Buffer.from(use.sampleValue) })),
    fileSha256: file.fileSha256,
    fileSizeBytes: BigInt(file.sizeBytes),
    trailerPresent: file.trailerPresent,
    trailerValid: file.trailerValid,
  };
}

/** A file that ends within its trailer has not lost it: it was cut off. */
function refuseCutTrailer(path: string, file: FileDigests, store: StoreFacts): void {
  const missing = store.imageBytes + TRAILER_BYTES - file.sizeBytes;
  if (missing > 0 && missing < TRAILER_BYTES) {
    throw new LockstepError('SNAPSHOT_TRUNCATED', {
      message: `${path} lacks the last ${missing} bytes of its SHA-256 trailer.`,
    });
  }
}

function asCode(thrown: unknown): string | undefined {
  return thrown instanceof LockstepError ? thrown.code : undefined;
}
