import { ageHeadOf, MAX_AGE_HEAD_BYTES } from '@lockstep/shared/age-head.ts';
import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ImportSnapshotRequest } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import {
  Encoding,
  SnapshotMarks,
  type StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { AgentClient, Store } from './ports.ts';
import { type CopyInStore, namesOf } from './stored-cards.ts';
import type { OnProgress } from './work-stream.ts';

/** An agent that has taken all of it reads it whole before it answers. */
const AGENT_STALL_TIMEOUT_MS = 10 * 60_000;
/** Far below the largest message. */
const MESSAGE_BYTES = 1024 * 1024;

export interface CopyInFrom {
  readonly store: Store;
  readonly client: AgentClient;
  readonly clock: Clock;
}

/** The head of an encrypted copy; nothing where it is not encrypted. Throws COPY_DAMAGED, STORE_*. */
export async function readHead(
  store: Store,
  { copy }: CopyInStore,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (copy.encoding !== Encoding.ENCODING_ZSTD_AGE) return new Uint8Array();
  let start: Buffer = Buffer.alloc(0);
  for await (const piece of store.get(namesOf(copy.snapshotId).bytes, 0, signal)) {
    start = Buffer.concat([start, piece]);
    const head = ageHeadOf(start);
    if (head !== undefined) return head;
    if (start.length > MAX_AGE_HEAD_BYTES) break;
  }
  throw new LockstepError('COPY_DAMAGED', {
    node: store.name,
    message: `The copy of ${copy.snapshotId} in ${store.name} does not begin as an encrypted one does.`,
  });
}

/**
 * A copy from a store onto an agent's disk; the agent proves it. The key opens this one file, goes
 * to that agent alone, and is kept nowhere. Throws COPY_KEY_NEEDED, COPY_*, STORE_*.
 */
export async function copyIn(
  from: CopyInFrom,
  found: CopyInStore,
  fileKey: Uint8Array,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<StoredSnapshot> {
  const snapshot = await streamIn(from, found, { fileKey, proveOnly: false }, onProgress, signal);
  if (snapshot !== undefined) return snapshot;
  throw new LockstepError('INTERNAL', { node: from.client.node, message: 'The agent named no snapshot.' });
}

/**
 * A copy from a store through an agent, which unpacks it, holds it against its card and keeps
 * nothing of it. Throws as `copyIn`, and SNAPSHOT_CARD_MISMATCH.
 */
export async function proveCopy(
  from: CopyInFrom,
  found: CopyInStore,
  fileKey: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const kept = await streamIn(from, found, { fileKey, proveOnly: true }, () => undefined, signal);
  if (kept === undefined) return;
  throw new LockstepError('INTERNAL', {
    node: from.client.node,
    message: `${from.client.node} kept ${found.copy.snapshotId}, which it was only to prove: its agent is of an earlier version.`,
  });
}

async function streamIn(
  { store, client, clock }: CopyInFrom,
  { carried, copy }: CopyInStore,
  { fileKey, proveOnly }: { readonly fileKey: Uint8Array; readonly proveOnly: boolean },
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<StoredSnapshot | undefined> {
  if (copy.encoding === Encoding.ENCODING_ZSTD_AGE && fileKey.length === 0) {
    throw new LockstepError('COPY_KEY_NEEDED', {
      message: `The copy of ${copy.snapshotId} in ${store.name} is encrypted to ${copy.recipients.join(', ')}.`,
    });
  }
  const { node } = client;
  const stalled = new AbortController();
  let timer: Disposable | undefined;
  const moved = (): void => {
    timer?.[Symbol.dispose]();
    timer = clock.after(AGENT_STALL_TIMEOUT_MS, () =>
      stalled.abort(
        new LockstepError('UNREACHABLE', {
          node,
          message: `${node} took nothing for ${AGENT_STALL_TIMEOUT_MS / 1000} s.`,
        }),
      ),
    );
  };
  const until = AbortSignal.any([signal, stalled.signal]);
  async function* parts(): AsyncGenerator<ImportSnapshotRequest, void, undefined> {
    const { sealed, card } = carried;
    const marks = SnapshotMarks.fromPartial({ snapshotId: card.id });
    yield {
      part: {
        $case: 'head',
        value: { sealed, card, marks, copy, fileKey: Buffer.from(fileKey), proveOnly },
      },
    };
    let sentBytes = 0n;
    for await (const piece of store.get(namesOf(copy.snapshotId).bytes, 0, until)) {
      for (let at = 0; at < piece.length; at += MESSAGE_BYTES) {
        const value = Buffer.from(piece.subarray(at, at + MESSAGE_BYTES));
        yield { part: { $case: 'data', value } };
        moved();
        sentBytes += BigInt(value.length);
        onProgress({
          phase: Phase.PHASE_UNSPECIFIED,
          node,
          step: 'fetching',
          doneBytes: sentBytes,
          totalBytes: copy.sizeBytes,
          done: false,
        });
      }
    }
  }
  moved();
  try {
    return await client.importSnapshot(parts(), until);
  } finally {
    timer?.[Symbol.dispose]();
  }
}
