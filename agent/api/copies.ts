import { dirname } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  AgentServiceServer,
  CopySnapshotRequest,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Seal, StoredCopy, StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { carriedCard } from '@lockstep/shared/seal/card.ts';
import { copyContent } from '@lockstep/shared/seal/copy.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { type CallContext, clientStreamHandler, streamHandler } from '@lockstep/shared/transport/handlers.ts';
import { EffectSlot } from '../executor/effect-slot.ts';
import { exportSnapshot } from '../snapshots/export.ts';
import { refuseFullDisk } from '../snapshots/free-space.ts';
import { importSnapshot } from '../snapshots/import.ts';
import type { AgentServiceDependencies } from './dependencies.ts';
import { streamSave } from './stream-save.ts';

/** A coordinator that streams from a store goes on asking it for a while when it stalls. */
const IMPORT_SILENCE_TIMEOUT_MS = 5 * 60_000;

/** Copies of snapshots: out to a store, in from one, and over from another agent. */
export function copyCalls(
  dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'copySnapshot' | 'exportSnapshot' | 'importSnapshot'> {
  const { config, ledger, ports } = dependencies;
  const { node } = config;
  const store = ports.snapshots;
  const seal = (copy: StoredCopy): Promise<Seal | undefined> => sealOf(dependencies, copy);
  // Two at once would fill the disk for twice as long, and may be the same one.
  const arriving = new EffectSlot(ports.clock);
  const taking = async <Result>(
    command: string,
    { caller }: CallContext,
    take: () => Promise<Result>,
  ): Promise<Result> => {
    using slot = await arriving.acquire(0);
    if (slot === undefined) {
      throw new LockstepError('PULL_FAILED', { node, message: `${node} is taking a snapshot in already.` });
    }
    let outcome = 'failed';
    try {
      const taken = await take();
      outcome = 'done';
      return taken;
    } finally {
      ledger.recordAudit({
        command,
        operationId: '',
        caller: identityUri(caller),
        epoch: undefined,
        outcome,
      });
    }
  };

  return {
    exportSnapshot: streamHandler((request, { signal }) =>
      exportSnapshot({ node, store, now: dependencies.now, seal }, request, signal),
    ),
    importSnapshot: clientStreamHandler(async (parts, context) => {
      const snapshot = await taking('ImportSnapshot', context, () =>
        importSnapshot({ node, store }, parts, context.signal),
      );
      return { snapshot };
    }, IMPORT_SILENCE_TIMEOUT_MS),
    copySnapshot: streamHandler((request: CopySnapshotRequest, context: CallContext) =>
      streamSave(
        node,
        ports.clock,
        (progress) =>
          taking('CopySnapshot', context, () => copy(dependencies, request, progress, context.signal)),
        'copying',
      ),
    ),
  };
}

async function copy(
  { config, ports }: AgentServiceDependencies,
  { card: said, sealed, sources }: CopySnapshotRequest,
  progress: (doneBytes: bigint, totalBytes: bigint) => void,
  signal: AbortSignal,
): Promise<StoredSnapshot> {
  const carried = carriedCard(said, sealed);
  if (carried === undefined) {
    throw new LockstepError('USAGE', { node: config.node, message: 'A copy begins with its card.' });
  }
  const { card } = carried;
  await ports.snapshots.prepare();
  // A restore's own pull is planned with the space that it takes; a copy is one more that nobody planned.
  await refuseFullDisk(dirname(ports.snapshots.pathOf(card.id)), card.facts?.fileSizeBytes ?? 0n);
  try {
    await ports.pull(carried, sources, progress, signal);
    return await ports.snapshots.get(card.id);
  } catch (thrown) {
    // What arrived is worth something to a restore, which goes on with it; to nobody here.
    await ports.snapshots.removePart(card.id);
    throw thrown;
  }
}

/** A copy without a seal is a copy; without it nobody vouches for its digest but the store. */
async function sealOf({ ports }: AgentServiceDependencies, copy: StoredCopy): Promise<Seal | undefined> {
  try {
    return await ports.sealing.sealContent('stored-copy', copyContent(copy));
  } catch (thrown) {
    if (thrown instanceof LockstepError && thrown.code === 'SIGNING_IDENTITY_MISSING') return undefined;
    throw thrown;
  }
}
