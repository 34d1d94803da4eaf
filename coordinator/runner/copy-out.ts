import { createHash } from 'node:crypto';
import { isAge } from '@lockstep/shared/age-head.ts';
import type { Clock } from '@lockstep/shared/clock.ts';
import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeProgress } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { Encoding, type StoredCopy } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { carriedCard } from '@lockstep/shared/seal/card.ts';
import { copyContent } from '@lockstep/shared/seal/copy.ts';
import type { Trust } from '@lockstep/shared/seal/judge.ts';
import { unlessSilent } from '@lockstep/shared/silence.ts';
import type { AgentClient, Store } from './ports.ts';
import { requireCopySeal } from './sealing.ts';
import type { Holding } from './snapshots.ts';
import { type CopyInStore, findCopy, namesOf, writeCard } from './stored-cards.ts';
import type { OnProgress } from './work-stream.ts';

/** An agent reads its disk, compresses and encrypts as it goes: this long without a byte is a failure. */
const AGENT_SILENCE_TIMEOUT_MS = 60_000;

/** What a new copy takes the place of. */
const SPOILT: ReadonlySet<string> = new Set<ErrorCode>(['COPY_DAMAGED', 'COPY_SEAL_INVALID']);

export interface CopyOutTo {
  readonly store: Store;
  /** None: not encrypted. */
  readonly recipients: readonly string[];
  readonly trust: Trust;
  readonly clock: Clock;
}

/**
 * A snapshot from the first holder that can give it into a store: the bytes as the agent makes
 * them, held against its word on them before the store keeps them; then the card. A good copy that
 * is there already is left. Throws STORE_*, and what the last holder threw.
 */
export async function copyOut(
  to: CopyOutTo,
  holders: readonly Holding[],
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<StoredCopy> {
  const { store } = to;
  const snapshotId = holders[0]?.snapshot.card?.id ?? '';
  const good = await goodCopy(to, snapshotId, onProgress, signal);
  if (good !== undefined) return good.copy;
  let last: unknown;
  for (const { client, snapshot } of holders) {
    const carried = carriedCard(snapshot.card, snapshot.sealed);
    if (carried === undefined) continue;
    try {
      const copy = await putBytes(to, client, snapshotId, onProgress, signal);
      // What could not be fetched again is no copy; while it has no card it is none.
      requireCopySeal({ store: store.name, carried, copy, content: copyContent(copy) }, to.trust);
      await writeCard(store, carried, copy, signal);
      onProgress(progressOf(store, 'copied', copy.sizeBytes, copy.sizeBytes));
      return copy;
    } catch (thrown) {
      signal.throwIfAborted();
      // The store's own trouble is the same with every holder.
      if (thrown instanceof LockstepError && thrown.code.startsWith('STORE_') && thrown.node === '')
        throw thrown;
      last = thrown;
    }
  }
  throw last ?? new LockstepError('SNAPSHOT_NOT_FOUND', { message: `Nobody holds ${snapshotId}.` });
}

/** Reads a copy whole. Throws COPY_DAMAGED where it is not what was stored. */
export async function checkStoredBytes(
  store: Store,
  { copy }: CopyInStore,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  const digest = createHash('sha256');
  let sizeBytes = 0n;
  for await (const piece of store.get(namesOf(copy.snapshotId).bytes, 0, signal)) {
    digest.update(piece);
    sizeBytes += BigInt(piece.length);
    onProgress(progressOf(store, 'checking', sizeBytes, copy.sizeBytes));
  }
  const sha256 = digest.digest('hex');
  if (sizeBytes === copy.sizeBytes && sha256 === copy.sha256) return;
  throw new LockstepError('COPY_DAMAGED', {
    node: store.name,
    message: `The copy of ${copy.snapshotId} in ${store.name} has ${sizeBytes} bytes with digest ${sha256}; stored were ${copy.sizeBytes} with ${copy.sha256}.`,
  });
}

export function progressOf(store: Store, step: string, doneBytes: bigint, totalBytes: bigint): NodeProgress {
  return {
    phase: Phase.PHASE_UNSPECIFIED,
    node: store.name,
    step,
    doneBytes,
    totalBytes,
    done: step === 'copied',
  };
}

/** A copy that is there and reads as it was stored; a damaged one counts as none. */
async function goodCopy(
  { store, trust }: CopyOutTo,
  snapshotId: string,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<CopyInStore | undefined> {
  try {
    const found = await findCopy(store, snapshotId, signal);
    if (found === undefined) return undefined;
    requireCopySeal(found, trust);
    await checkStoredBytes(store, found, onProgress, signal);
    return found;
  } catch (thrown) {
    if (!(thrown instanceof LockstepError) || !SPOILT.has(thrown.code)) throw thrown;
    // While its bytes are replaced there is no copy, and none must be listed.
    await store.remove(namesOf(snapshotId).card, signal);
    return undefined;
  }
}

async function putBytes(
  { store, recipients, clock }: CopyOutTo,
  client: AgentClient,
  snapshotId: string,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<StoredCopy> {
  const silence = {
    timeoutMs: AGENT_SILENCE_TIMEOUT_MS,
    clock,
    error: () =>
      new LockstepError('UNREACHABLE', {
        node: client.node,
        message: `${client.node} sent nothing for ${AGENT_SILENCE_TIMEOUT_MS / 1000} s.`,
      }),
  };
  let copy: StoredCopy | undefined;
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const digest = createHash('sha256');
    let sizeBytes = 0n;
    const request = { snapshotId, store: store.name, recipients: [...recipients] };
    for await (const { event } of unlessSilent(client.exportSnapshot(request, signal), silence, signal)) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case === 'copy') copy = event.value;
      if (event?.$case !== 'data') continue;
      // Plain bytes reach no store that is to have encrypted ones, whatever an agent sends.
      if (sizeBytes === 0n && recipients.length > 0 && !isAge(event.value)) {
        throw new LockstepError('INTERNAL', {
          node: client.node,
          message: 'What the agent sent is not encrypted.',
        });
      }
      digest.update(event.value);
      sizeBytes += BigInt(event.value.length);
      onProgress(progressOf(store, 'copying', sizeBytes, 0n));
      yield event.value;
    }
    const encoding = recipients.length > 0 ? Encoding.ENCODING_ZSTD_AGE : Encoding.ENCODING_ZSTD;
    const isAsSaid =
      copy?.sha256 === digest.digest('hex') &&
      copy.sizeBytes === sizeBytes &&
      copy.snapshotId === snapshotId &&
      copy.encoding === encoding;
    if (isAsSaid) return;
    throw new LockstepError('UNREACHABLE', {
      node: client.node,
      message: `${client.node} ended the export of ${snapshotId} after ${sizeBytes} bytes, without a word on them that agrees.`,
    });
  }
  await store.put(namesOf(snapshotId).bytes, bytes(), signal);
  if (copy === undefined)
    throw new LockstepError('INTERNAL', { message: 'The store kept what had not ended.' });
  return copy;
}
