import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type {
  SnapshotCard,
  SnapshotFacts,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import { syncOrFail, writeAll } from './durable.ts';
import type { SnapshotStore } from './store.ts';

/** etcd's stream ends with the raw SHA-256 of all that came before. */
const TRAILER_BYTES = 32;
/** A member whose disk fails keeps the stream open and says nothing: silence this long is a failure. */
const SILENCE_TIMEOUT_MS = 30_000;

/** Where a snapshot comes from: the live member, or what an operation keeps. */
export interface SnapshotSource {
  observe(signal: AbortSignal): Promise<{ readonly clusterId: string; readonly dbSizeBytes: bigint }>;
  /** The store's bytes and, last, the raw SHA-256 of them. */
  snapshot(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface SaveDependencies {
  /** What the card says of the node: versions and fingerprints. */
  readonly describe: (signal: AbortSignal) => Promise<NodeReport>;
  readonly member: SnapshotSource;
  readonly store: SnapshotStore;
  readonly now: () => number;
}

export interface SaveRequest {
  readonly node: string;
  readonly cluster: string;
  readonly reason: string;
}

/**
 * Takes a snapshot from the member on this node: the stream's trailer is compared with a digest
 * of our own as it flows, then the file is read whole; only a proven one gets its name. Throws
 * SAVE_FAILED, with the partial file removed.
 */
export async function saveSnapshot(
  { describe, member, store, now }: SaveDependencies,
  request: SaveRequest,
  progress: (doneBytes: bigint, totalBytes: bigint) => void,
  signal: AbortSignal,
): Promise<StoredSnapshot> {
  await store.prepare();
  const takenMs = now();
  const id = timedId('s', takenMs);
  const part = store.partOf(id);
  try {
    const [report, observed] = await Promise.all([describe(signal), member.observe(signal)]);
    {
      await using file = await open(part, 'wx', 0o600);
      await receive(member, file, part, (bytes) => progress(bytes, observed.dbSizeBytes), signal);
      await syncOrFail(file, part);
    }
    const facts = await readSnapshotFacts(part, { trailer: 'required' }, signal);
    return await store.keep(cardOf(id, takenMs, request, report, facts, observed.clusterId));
  } catch (cause) {
    await rm(part, { force: true });
    if (signal.aborted) throw cause;
    throw new LockstepError('SAVE_FAILED', {
      node: request.node,
      message: `No snapshot was taken from ${request.node}.`,
      cause,
    });
  }
}

/** Writes the stream as it comes, trailer included, and holds the trailer against what was written. */
async function receive(
  member: SnapshotSource,
  file: FileHandle,
  path: string,
  progress: (bytes: bigint) => void,
  signal: AbortSignal,
): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new Error(`the member sent nothing for ${SILENCE_TIMEOUT_MS / 1000} s`)),
    SILENCE_TIMEOUT_MS,
  );
  const digest = createHash('sha256');
  let tail: Uint8Array = new Uint8Array();
  let received = 0n;
  try {
    for await (const bytes of member.snapshot(AbortSignal.any([signal, silence.signal]))) {
      timer.refresh();
      await writeAll(file, bytes, path);
      received += BigInt(bytes.length);
      // What may still turn out to be the trailer is kept back from the digest.
      const held = tail.length === 0 ? bytes : Buffer.concat([tail, bytes]);
      const settled = Math.max(0, held.length - TRAILER_BYTES);
      digest.update(held.subarray(0, settled));
      tail = held.subarray(settled);
      progress(received);
    }
  } finally {
    clearTimeout(timer);
  }
  if (received <= TRAILER_BYTES) {
    throw new LockstepError('SNAPSHOT_TRUNCATED', { message: `The member sent ${received} bytes.` });
  }
  if (!digest.digest().equals(tail)) {
    throw new LockstepError('SNAPSHOT_TRAILER_MISMATCH', {
      message: 'The trailer that the member sent is not the digest of what it sent.',
    });
  }
}

function cardOf(
  id: string,
  takenMs: number,
  request: SaveRequest,
  report: NodeReport,
  facts: SnapshotFacts,
  etcdClusterId: string,
): SnapshotCard {
  return {
    id,
    cluster: request.cluster,
    node: request.node,
    takenAt: new Date(takenMs).toISOString(),
    reason: request.reason,
    facts,
    etcdClusterId,
    etcdVersion: report.etcd?.version ?? '',
    kubernetesVersion: report.apiServer?.version ?? '',
    clusterCaSha256: report.apiServer?.clusterCaSha256 ?? '',
    etcdCaSha256: report.etcd?.caSha256 ?? '',
    serviceAccountKeySha256: report.apiServer?.serviceAccountKeySha256 ?? [],
    encryptionKeySha256: (report.apiServer?.encryptionKeys ?? []).map((key) => key.fingerprintSha256),
    toolVersion: VERSION,
    parentId: '',
  };
}
