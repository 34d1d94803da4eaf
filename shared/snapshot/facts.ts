import { stat } from 'node:fs/promises';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { SnapshotFacts } from '../generated/lockstep/v1/snapshot.ts';
import { corrupt } from './bbolt/corrupt.ts';
import { collectFacts, type StoreFacts } from './collect-facts.ts';
import { inWorker } from './in-worker.ts';
import { digestFile, type FileDigests, requireTrailer, TRAILER_BYTES } from './trailer.ts';

export interface ReadOptions {
  /** `required` for a snapshot as etcd saves it; `absent` for a store in a data directory. */
  readonly trailer: 'required' | 'absent';
  /**
   * Rows up to this revision are the content that `contentSha256` is of; all rows where left out.
   * Asked for a snapshot's own revision, a store restored from it has the snapshot's digest.
   */
  readonly contentUpToRevision?: bigint;
}

/** Smaller files are read at once, in less time than a worker takes to start. */
const WORKER_FROM_BYTES = 4 * 1024 * 1024;

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
  const large = (await sizeOf(path)) >= WORKER_FROM_BYTES;
  signal.throwIfAborted();
  const { contentUpToRevision } = options;
  const collect = contentUpToRevision === undefined ? {} : { contentUpToRevision };
  // The digest goes through the file in its own order and the walk in the tree's: side by side
  // they take the time of the slower, and the first warms the page cache for the second.
  const [digests, store] = await Promise.allSettled(
    large
      ? [inWorker('digest', { path }, signal), inWorker('facts', { path, options: collect }, signal)]
      : [attempt(() => digestFile(path)), attempt(() => collectFacts(path, collect))],
  );
  signal.throwIfAborted();
  return judge(path, options, digests, store);
}

function judge(
  path: string,
  options: ReadOptions,
  digests: PromiseSettledResult<FileDigests>,
  store: PromiseSettledResult<StoreFacts>,
): SnapshotFacts {
  if (digests.status === 'rejected') throw digests.reason;
  const failed = store.status === 'rejected' ? asCode(store.reason) : undefined;
  if (failed === 'SNAPSHOT_TRUNCATED' && store.status === 'rejected') throw store.reason;
  const { value: file } = digests;
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

async function attempt<Result>(read: () => Result): Promise<Result> {
  return read();
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new LockstepError(missing ? 'SNAPSHOT_NOT_FOUND' : 'INTERNAL', {
      message: missing ? `There is no file ${path}.` : `${path} cannot be read.`,
      cause,
    });
  }
}
