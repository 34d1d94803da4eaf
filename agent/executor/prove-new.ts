import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { newStoreDifferences } from '../core/new-store.ts';
import { required, type StepContext } from './step.ts';

/**
 * Reads NEW whole, as it lies on disk beside OLD. Throws BUILD_CONTENT_DIFFERS where it is not whole,
 * or not the snapshot and the bump.
 */
export async function proveNew(context: StepContext, signal: AbortSignal): Promise<SnapshotFacts> {
  const { node, plan, memberPlan, snapshot } = context;
  const snapshotFacts = required(snapshot.facts, 'snapshot card', node);
  const facts = await readNew(context, snapshotFacts.status?.revision ?? 0n, signal);
  const differences = newStoreDifferences(snapshotFacts, facts, {
    initialCluster: memberPlan.initialCluster,
    bump: plan.bump,
    alarmsToDisarm: plan.alarmsToDisarm,
  });
  if (differences.length > 0) {
    throw new LockstepError('BUILD_CONTENT_DIFFERS', {
      node,
      message: `The new store on ${node} is not what the plan says: ${differences.join('; ')}.`,
    });
  }
  return facts;
}

/** What the reader says of a file it says of a snapshot: that one was proven, and it is NEW that is broken. */
async function readNew(
  { node, paths, ports }: StepContext,
  contentUpTo: bigint,
  signal: AbortSignal,
): Promise<SnapshotFacts> {
  try {
    return await ports.readStoreFacts(paths.otherDb, contentUpTo, signal);
  } catch (cause) {
    if (!(cause instanceof LockstepError) || !cause.code.startsWith('SNAPSHOT_')) throw cause;
    throw new LockstepError('BUILD_CONTENT_DIFFERS', {
      node,
      message: `The new store on ${node} is not whole: ${cause.message}`,
      cause,
    });
  }
}
