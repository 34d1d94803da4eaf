import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { SnapshotSource } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { CarriedCard } from '@lockstep/shared/seal/card.ts';
import { readReceivedFacts } from '@lockstep/shared/snapshot/facts.ts';
import type { FileDigests } from '@lockstep/shared/snapshot/trailer.ts';
import { unpackChunk } from './chunks.ts';
import { syncOrFail, writeAll } from './durable.ts';
import { cardDifferences, type SnapshotStore } from './store.ts';
import { TrailedDigest } from './trailed-digest.ts';

/** Each source is asked this often; what arrived is kept between the attempts. */
const ATTEMPTS_PER_SOURCE = 2;

/** Chunks of a snapshot from another agent, from an offset on. */
export type OpenSnapshot = (
  source: SnapshotSource,
  snapshotId: string,
  offsetBytes: bigint,
  signal: AbortSignal,
) => AsyncIterable<ReadSnapshotResponse>;

/**
 * Brings a snapshot here from the first source that has it: goes on where an earlier attempt
 * ended, at any byte; holds each chunk against its digest and the whole against the card; keeps
 * it only once our own reader agrees with the card. Throws PULL_FAILED, DISK_FULL.
 */
export async function pullSnapshot(
  dependencies: { readonly store: SnapshotStore; readonly openSnapshot: OpenSnapshot },
  carried: CarriedCard,
  sources: readonly SnapshotSource[],
  progress: (doneBytes: bigint, totalBytes: bigint) => void,
  signal: AbortSignal,
): Promise<void> {
  const { store } = dependencies;
  const { card } = carried;
  await store.prepare();
  const attempts = Array.from({ length: ATTEMPTS_PER_SOURCE }, () => sources).flat();
  const failures: unknown[] = [];
  for (const source of attempts) {
    signal.throwIfAborted();
    try {
      await pullFrom(
        dependencies,
        source,
        card,
        // What is on its way to the disk can be read: it is proven while it is synced.
        async (part, digests) => {
          const differences = cardDifferences(card, await readReceivedFacts(part, digests, signal));
          if (differences.length > 0) throw differs(`${card.id}: ${differences.join('; ')}.`);
        },
        progress,
        signal,
      );
      await store.keep(carried);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof LockstepError && (error.code === 'DISK_FULL' || error.code === 'SYNC_FAILED'))
        throw error;
      failures.push(error);
    }
  }
  throw new LockstepError('PULL_FAILED', {
    message: `Snapshot ${card.id} could not be pulled from ${sources.map((source) => source.node).join(', ') || 'nowhere: the plan names no other source'}.`,
    cause: failures.at(-1),
  });
}

async function pullFrom(
  { store, openSnapshot }: { readonly store: SnapshotStore; readonly openSnapshot: OpenSnapshot },
  source: SnapshotSource,
  card: SnapshotCard,
  prove: (part: string, digests: FileDigests) => Promise<void>,
  progress: (doneBytes: bigint, totalBytes: bigint) => void,
  signal: AbortSignal,
): Promise<void> {
  const part = store.partOf(card.id);
  const totalBytes = card.facts?.fileSizeBytes ?? 0n;
  const digest = new TrailedDigest();
  await digestWhatIsHere(part, digest, signal);
  const offset = (): bigint => BigInt(digest.sizeBytes);
  if (offset() > totalBytes) {
    await rm(part, { force: true });
    throw new LockstepError('PULL_FAILED', {
      message: `What was there of ${card.id} was longer than the whole.`,
    });
  }
  await using file = await open(part, 'a', 0o600);
  if (offset() < totalBytes) {
    for await (const chunk of openSnapshot(source, card.id, offset(), signal)) {
      if (chunk.offsetBytes !== offset() || chunk.totalSizeBytes !== totalBytes) {
        throw new LockstepError('PULL_FAILED', {
          message: `${source.node} sent byte ${chunk.offsetBytes} of ${chunk.totalSizeBytes}; expected byte ${offset()} of ${totalBytes}.`,
        });
      }
      const plain = await unpackChunk(chunk);
      // A source that does not stop must not fill this node's disk.
      if (offset() + BigInt(plain.length) > totalBytes) {
        throw new LockstepError('PULL_FAILED', {
          message: `${source.node} sent more than the ${totalBytes} bytes of ${card.id}.`,
        });
      }
      await writeAll(file, plain, part);
      digest.update(plain);
      progress(offset(), totalBytes);
    }
  }
  if (offset() < totalBytes) {
    throw new LockstepError('PULL_FAILED', {
      message: `${source.node} ended the stream at byte ${offset()}.`,
    });
  }
  const digests = digest.finish();
  const [synced, proven] = await Promise.allSettled([
    syncOrFail(file, part),
    digests.fileSha256 === card.facts?.fileSha256
      ? prove(part, digests)
      : Promise.reject(
          differs(
            `The bytes of ${card.id} have digest ${digests.fileSha256}; the card says ${card.facts?.fileSha256}.`,
          ),
        ),
  ]);
  if (synced.status === 'rejected') throw synced.reason;
  if (proven.status === 'fulfilled') return;
  // Nothing says which byte is wrong, so none of them is kept.
  if (isAboutBytes(proven.reason)) await rm(part, { force: true });
  throw proven.reason;
}

function differs(message: string): LockstepError {
  return new LockstepError('SNAPSHOT_CARD_MISMATCH', { message });
}

function isAboutBytes(thrown: unknown): boolean {
  return thrown instanceof LockstepError && thrown.code.startsWith('SNAPSHOT_');
}

/** Feeds the digest with what an earlier attempt left. */
async function digestWhatIsHere(part: string, digest: TrailedDigest, signal: AbortSignal): Promise<void> {
  const here = await stat(part).catch(() => undefined);
  if (here === undefined) return;
  for await (const chunk of createReadStream(part, { signal, highWaterMark: 1024 * 1024 })) {
    digest.update(chunk as Buffer);
  }
}
