import { majorityOf } from '@lockstep/coordinator/core/quorum.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeView, WorldView } from '../world/view.ts';
import { type Invariant, isForgotten, isNewInPlace, perPlannedNode } from './invariant.ts';

/**
 * Invariant 7. A commit counts from its record on, also where a fault takes that ledger later, unless
 * it takes all of them. Excused is what clients wrote through the processes of an outside hand: nobody
 * promised it. But nothing is committed over a way in that was there when the gate was asked.
 */
export const writesKept: Invariant = {
  name: 'writes-kept',
  promise: 'A write acknowledged after commit is never lost; before commit no client can write to NEW.',
  watch() {
    let seen: Seen[] | undefined;
    let gateAsked = false;
    let anyCommitted = false;
    return (world) => {
      seen ??= perPlannedNode(world, () => ({ records: -1, committed: false, openAtGate: false }));
      for (const { index, ledger, liveManifests } of world.nodes) {
        const then = seen[index];
        if (then === undefined) continue;
        if (liveManifests['kube-apiserver'].volatile === 0) then.openAtGate = false;
        if (then.records === ledger.records) continue;
        then.records = ledger.records;
        const phase = ledger.operation?.phase;
        if (phase === 'committed' || phase === 'closed') then.committed = true;
      }
      if (!gateAsked && world.nodes.some(isGateReady)) {
        gateAsked = true;
        for (const { index, liveManifests } of world.nodes) {
          const then = seen[index];
          if (then !== undefined) then.openAtGate = liveManifests['kube-apiserver'].volatile === 1;
        }
      }
      if (!anyCommitted && seen.some((each) => each.committed)) {
        anyCommitted = true;
        if (seen.some((each) => each.openAtGate)) {
          return 'committed while an API server had been let in since before the gate';
        }
      }
      for (const { acknowledged, incarnation } of world.writes) {
        if (acknowledged === 0 || incarnation === 'old' || hasOutsideHand(world)) continue;
        if (incarnation !== 'new') return `a client wrote to ${incarnation}, a cluster that nobody planned`;
        // Who puts an API server's manifest back lets clients in, until the gate: docs/promises.md names it.
        if (world.excuses.some(({ promise }) => promise === 'manifests-stay-out')) continue;
        if (seen.some((each) => !each.committed)) {
          return 'a client wrote to NEW before every planned agent had committed';
        }
        if (world.end !== undefined && !isForgotten(world)) return lost(world, world.end.outcome);
      }
      return undefined;
    };
  },
};

interface Seen {
  records: number;
  committed: boolean;
  /** The API server's manifest lay in place when the gate was asked, and has since. */
  openAtGate: boolean;
}

function isGateReady({ ledger }: NodeView): boolean {
  return (
    ledger.operation?.effects.some(
      ({ step, completedMs }) => step === Step.STEP_PREPARE_GATE && completedMs !== undefined,
    ) ?? false
  );
}

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
