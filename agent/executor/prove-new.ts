import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { newStoreDifferences } from '../core/new-store.ts';
import { required, type StepContext } from './step.ts';

/**
 * Reads NEW whole, as it lies on disk beside OLD. Throws BUILD_CONTENT_DIFFERS where it is not the
 * snapshot and the bump, SNAPSHOT_* where it is not whole.
 */
export async function proveNew(
  { node, plan, memberPlan, snapshot, paths, ports }: StepContext,
  signal: AbortSignal,
): Promise<SnapshotFacts> {
  const snapshotFacts = required(snapshot.facts, 'snapshot card', node);
  const facts = await ports.readStoreFacts(paths.otherDb, snapshotFacts.status?.revision ?? 0n, signal);
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
