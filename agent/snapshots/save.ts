import { dirname } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  OfflineCopy,
  SnapshotCard,
  SnapshotFacts,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import type { CarriedCard } from '@lockstep/shared/seal/card.ts';
import { readReceivedFacts } from '@lockstep/shared/snapshot/facts.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import type { Provenance } from '../ports.ts';
import { refuseFullDisk } from './free-space.ts';
import { receiveSnapshot } from './receive.ts';
import type { SnapshotStore } from './store.ts';

const SILENCE_TIMEOUT_MS = 30_000;
/** A clock may be set back by so much, as time services do; more, and it was wrong, or is now. */
const MAX_SET_BACK_MS = 10 * 60_000;

/** Where a snapshot comes from: the live member, or what an operation keeps. */
export interface SnapshotSource {
  observe(signal: AbortSignal): Promise<{ readonly clusterId: string; readonly dbSizeBytes: bigint }>;
  /** The store's bytes and, last, the raw SHA-256 of them. */
  snapshot(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** The log of a stopped member, which belongs beside the snapshot of its database. */
export interface OfflineLog {
  readonly sizeBytes: bigint;
  /** Into a new directory, durably. */
  copy(directory: string): Promise<OfflineCopy>;
}

export interface SaveDependencies {
  /** What the card says of the node: versions and fingerprints. */
  readonly describe: (signal: AbortSignal) => Promise<Provenance>;
  readonly member: SnapshotSource;
  readonly store: SnapshotStore;
  /** The card with this node's seal, or as it is where the node cannot sign. */
  readonly seal: (card: SnapshotCard) => Promise<CarriedCard>;
  readonly now: () => number;
  /** Left out for a member that serves. */
  readonly log?: OfflineLog;
  /** 30 s where left out. */
  readonly silenceTimeoutMs?: number;
}

export interface SaveRequest {
  readonly node: string;
  readonly cluster: string;
  readonly reason: string;
}

/**
 * Takes a snapshot from the member on this node: the stream's trailer is compared with a digest
 * of our own as it flows, then the store in it is read whole; only a proven one gets its name.
 * Throws SAVE_FAILED, with all that was written removed.
 */
export async function saveSnapshot(
  { describe, member, store, seal, now, log, silenceTimeoutMs = SILENCE_TIMEOUT_MS }: SaveDependencies,
  request: SaveRequest,
  progress: (doneBytes: bigint, totalBytes: bigint) => void,
  signal: AbortSignal,
): Promise<StoredSnapshot> {
  const failed = (cause: unknown): unknown => {
    if (signal.aborted) return cause;
    const message = `No snapshot was taken from ${request.node}.`;
    return new LockstepError('SAVE_FAILED', { node: request.node, message, cause });
  };
  let id = '';
  try {
    await store.prepare();
    const earlier = (await store.list()).filter(({ card }) => card?.node === request.node);
    const takenMs = takenAt(earlier, request.node, now());
    id = timedId('s', takenMs);
    const part = store.savingOf(id);
    const [report, { clusterId }, facts] = await allOrNone(signal, (all) => {
      const ready = (async () => {
        const { clusterId, dbSizeBytes } = await member.observe(all);
        await refuseFullDisk(dirname(part), dbSizeBytes + (log?.sizeBytes ?? 0n));
        return { clusterId, dbSizeBytes };
      })();
      const received = receiveSnapshot(
        (until) => member.snapshot(until),
        part,
        (digests) => readReceivedFacts(part, digests, all),
        {
          silenceTimeoutMs,
          ready,
          progress: (bytes, { dbSizeBytes }) => progress(bytes, dbSizeBytes),
        },
        all,
      );
      return [describe(all), ready, received];
    });
    const card = cardOf(id, takenMs, request, report, facts, clusterId);
    card.parentId = parentOf(earlier, card);
    // Before the database has its name: what a card lists is there as long as the card is.
    if (log !== undefined) card.offline = await log.copy(store.logOf(id));
    return await store.keep(await seal(card), part);
  } catch (cause) {
    if (id !== '') await store.remove(id);
    throw failed(cause);
  }
}

/**
 * Now, or just after the newest that was taken here: retention and parents go by the order of
 * snapshots, which a clock that was set back must not turn around.
 */
function takenAt(earlier: readonly StoredSnapshot[], node: string, nowMs: number): number {
  const newest = earlier[0]?.card;
  const newestMs = Date.parse(newest?.takenAt ?? '');
  if (newest === undefined || Number.isNaN(newestMs) || nowMs > newestMs) return nowMs;
  if (newestMs - nowMs > MAX_SET_BACK_MS) {
    throw new LockstepError('CLOCK_WENT_BACK', {
      node,
      message: `It is ${new Date(nowMs).toISOString()} on ${node}, and its newest snapshot, ${newest.id}, was taken at ${newest.takenAt}.`,
    });
  }
  return newestMs + 1;
}

/** All results; where one fails, the others are given up and have ended before this rejects. */
async function allOrNone<A, B, C>(
  signal: AbortSignal,
  start: (signal: AbortSignal) => [Promise<A>, Promise<B>, Promise<C>],
): Promise<[A, B, C]> {
  const one = new AbortController();
  const all = start(AbortSignal.any([signal, one.signal]));
  try {
    return await Promise.all(all);
  } catch (thrown) {
    one.abort(thrown);
    await Promise.allSettled(all);
    throw thrown;
  }
}

/** The newest that this node has taken of the same etcd cluster: its name runs on from one to the next. */
function parentOf(earlier: readonly StoredSnapshot[], { etcdClusterId, takenAt: at }: SnapshotCard): string {
  const parent = earlier.find(({ card }) => card?.etcdClusterId === etcdClusterId && card.takenAt < at);
  return parent?.card?.id ?? '';
}

function cardOf(
  id: string,
  takenMs: number,
  request: SaveRequest,
  report: Provenance,
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
    offline: undefined,
  };
}
