import { majorityOf } from '@lockstep/coordinator/core/quorum.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { WorldView } from '../world/view.ts';
import { type Invariant, isExcused, isNewInPlace } from './invariant.ts';

/**
 * Invariant 7. Excused is the write that an outside hand's API server took: nobody promised it.
 * That NEW is kept follows from commit-excludes-undo; here it is looked at on the disks.
 */
export const writesKept: Invariant = {
  name: 'writes-kept',
  promise: 'A write acknowledged after commit is never lost; before commit no client can write to NEW.',
  watch: () => (world) => {
    for (const tally of world.writes) {
      if (tally.acknowledged === 0 || tally.incarnation === 'old') continue;
      if (isExcused(world, 'outside-process', -1) || hasOutsideApi(world)) continue;
      if (tally.incarnation !== 'new')
        return `a client wrote to ${tally.incarnation}, a cluster that nobody planned`;
      if (tally.beforeAllCommitted > 0)
        return 'a client wrote to NEW before every planned agent had committed';
      if (world.end === undefined) continue;
      if (world.end.outcome === Outcome.OUTCOME_ROLLED_BACK)
        return 'rolled back, and a client had written to NEW';
      const kept = world.nodes.filter(isNewInPlace).length;
      if (kept < majorityOf(world.plan.nodes.length))
        return `NEW was written to, and is in place on ${kept} nodes`;
    }
    return undefined;
  },
};

function hasOutsideApi(world: WorldView): boolean {
  return world.excuses.some((excuse) => excuse.promise === 'outside-process');
}
