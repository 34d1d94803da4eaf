import type { Baseline } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { MemberObservation } from '../ports.ts';

/** What served on a node right before downtime. */
export interface ServedBefore {
  readonly member: boolean;
  readonly api: boolean;
}

/**
 * What undo must see serving on this node again: what served before, of an OLD that served as a
 * whole, and only where it was ever stopped. A member that was down at the plan is not brought to
 * life by going back. `before` is undefined where a ledger does not say.
 */
export function mustServeAgain(
  wasFenced: boolean,
  baseline: Pick<Baseline, 'serving'> | undefined,
  before: ServedBefore | undefined,
): ServedBefore {
  const owed = wasFenced && baseline?.serving === true;
  return { member: owed && before?.member !== false, api: owed && before?.api !== false };
}

/** In what a serving member differs from OLD's recorded baseline. */
export function baselineDifferences(baseline: Baseline, observed: MemberObservation): string[] {
  const differences: string[] = [];
  if (observed.clusterId !== baseline.etcdClusterId) {
    differences.push(`its cluster id is ${observed.clusterId}, not ${baseline.etcdClusterId}`);
  }
  const wanted = idsOf(baseline.members);
  const found = idsOf(observed.members);
  if (found !== wanted) differences.push(`its members are ${found}, not ${wanted}`);
  if (observed.revision < baseline.revision) {
    differences.push(`its revision is ${observed.revision}, below ${baseline.revision}`);
  }
  return differences;
}

function idsOf(members: readonly { readonly id: string }[]): string {
  return members
    .map((member) => member.id)
    .sort()
    .join(',');
}
