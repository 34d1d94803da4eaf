import { majorityOf } from '@lockstep/coordinator/core/quorum.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { WorldView } from '../world/view.ts';
import { type Invariant, isNewInPlace, perNode } from './invariant.ts';

/**
 * Invariant 7. A commit counts from its record on, also where a fault takes that ledger later.
 * Excused is what clients wrote through the processes of an outside hand: nobody promised it.
 */
export const writesKept: Invariant = {
  name: 'writes-kept',
  promise: 'A write acknowledged after commit is never lost; before commit no client can write to NEW.',
  watch() {
    let seen: { records: number; committed: boolean }[] | undefined;
    return (world) => {
      seen ??= perNode(world, () => ({ records: -1, committed: false }));
      for (const { index, ledger } of world.nodes) {
        const then = seen[index];
        if (then === undefined || then.records === ledger.records) continue;
        then.records = ledger.records;
        const phase = ledger.operation?.phase;
        if (phase === 'committed' || phase === 'closed') then.committed = true;
      }
      for (const { acknowledged, incarnation } of world.writes) {
        if (acknowledged === 0 || incarnation === 'old' || hasOutsideHand(world)) continue;
        if (incarnation !== 'new') return `a client wrote to ${incarnation}, a cluster that nobody planned`;
        // Who puts an API server's manifest back lets clients in: docs/promises.md names it.
        if (world.faults.some(({ kind }) => kind === 'outside-manifest')) continue;
        if (seen.some((each) => !each.committed)) {
          return 'a client wrote to NEW before every planned agent had committed';
        }
        if (world.end !== undefined) return lost(world, world.end.outcome);
      }
      return undefined;
    };
  },
};

/** That NEW is kept follows from commit-excludes-undo; here it is looked at on the disks. */
function lost(world: WorldView, outcome: Outcome | undefined): string | undefined {
  if (outcome === Outcome.OUTCOME_ROLLED_BACK) return 'rolled back, and a client had written to NEW';
  const kept = world.nodes.filter(isNewInPlace).length;
  return kept < majorityOf(world.plan.nodes.length)
    ? `NEW was written to, and is in place on ${kept} nodes`
    : undefined;
}

function hasOutsideHand(world: WorldView): boolean {
  return world.excuses.some((excuse) => excuse.promise === 'outside-process');
}
