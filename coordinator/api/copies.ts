import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  CopyOutcome,
  FetchSnapshotRequest,
  FetchSnapshotResponse,
  OperatorServiceCopySnapshotRequest,
  OperatorServiceCopySnapshotResponse,
  OperatorServiceServer,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { CatalogueEntry } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { type CallContext, streamHandler, unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import { readHead } from '../runner/copy-in.ts';
import { streamWork } from '../runner/work-stream.ts';
import type { OperatorServiceSettings } from './settings.ts';

/** Of a request that reads a few kilobytes. */
const HEAD_TIMEOUT_MS = 60_000;

/** Copies of snapshots, as an operator asks for them. */
export function copyCalls(
  settings: OperatorServiceSettings,
): Pick<OperatorServiceServer, 'copySnapshot' | 'getCopyHead' | 'fetchSnapshot'> {
  const { copying, clock, logger } = settings;
  const audit = ({ caller }: CallContext, call: string, fields: object): void =>
    logger.info({ by: identityUri(caller), call, ...fields }, 'operator call');
  return {
    copySnapshot: streamHandler((request: OperatorServiceCopySnapshotRequest, context: CallContext) => {
      const { snapshotId, nodes, stores } = request;
      audit(context, 'CopySnapshot', { snapshotId, nodes, stores });
      return copy(settings, request, context.signal);
    }),

    getCopyHead: unaryHandler(async ({ snapshotId, store }, context) => {
      audit(context, 'GetCopyHead', { snapshotId, store });
      const until = clock.deadline(HEAD_TIMEOUT_MS, context.signal);
      const found = await copying.find(snapshotId, store, until);
      const head = await readHead(copying.store(found.store), found, until);
      return { copy: { ...found.copy, store: found.store }, head: Buffer.from(head) };
    }),

    fetchSnapshot: streamHandler((request: FetchSnapshotRequest, context: CallContext) => {
      const { snapshotId, store, node } = request;
      // Never the key: whatever is logged is kept.
      audit(context, 'FetchSnapshot', { snapshotId, store, node });
      return fetch(settings, request, context.signal);
    }),
  };
}

async function* copy(
  settings: OperatorServiceSettings,
  { snapshotId, nodes, stores }: OperatorServiceCopySnapshotRequest,
  signal: AbortSignal,
): AsyncGenerator<OperatorServiceCopySnapshotResponse, void, undefined> {
  const { copying, clock } = settings;
  if (nodes.length + stores.length === 0) {
    throw new LockstepError('USAGE', { message: 'No node and no store is named to copy to.' });
  }
  const work = streamWork(clock, (onProgress) =>
    copying.make(snapshotId, { nodes, stores }, onProgress, signal),
  );
  for await (const event of work) {
    if (event.$case === 'progress') yield { event };
    else {
      requireAll(event.value);
      yield { event: { $case: 'entry', value: await entryOf(settings, snapshotId, signal) } };
    }
  }
}

/** Throws the first failure, with what became of the others in its words. */
function requireAll(outcomes: readonly CopyOutcome[]): void {
  const failed = outcomes.flatMap(({ place, failure }) =>
    failure === undefined ? [] : [{ place, failure }],
  );
  const [first] = failed;
  if (first === undefined) return;
  const made = outcomes.filter(({ failure }) => failure === undefined).map(({ place }) => place);
  const others = failed.slice(1).map(({ place, failure }) => `${place}: ${failure.code}: ${failure.message}`);
  const words = [
    first.failure.message,
    ...others,
    ...(made.length === 0 ? [] : [`Copied to ${made.join(', ')}.`]),
  ];
  throw fromFailure({ ...first.failure, message: words.join(' ') });
}

async function entryOf(
  { catalogue }: OperatorServiceSettings,
  snapshotId: string,
  signal: AbortSignal,
): Promise<CatalogueEntry> {
  const { entries } = await catalogue.read(signal);
  const entry = entries.find(({ card }) => card?.id === snapshotId);
  if (entry !== undefined) return entry;
  throw new LockstepError('SNAPSHOT_NOT_FOUND', {
    message: `The copies of ${snapshotId} were made, and nobody lists it now.`,
  });
}

async function* fetch(
  { copying, clock }: OperatorServiceSettings,
  request: FetchSnapshotRequest,
  signal: AbortSignal,
): AsyncGenerator<FetchSnapshotResponse, void, undefined> {
  const work = streamWork(clock, (onProgress) => copying.fetch(request, onProgress, signal));
  for await (const event of work) {
    if (event.$case === 'progress') yield { event };
    else yield { event: { $case: 'snapshot', value: event.value } };
  }
}
