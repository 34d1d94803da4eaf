import type { Baseline } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { MemberObservation } from '../ports.ts';

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
