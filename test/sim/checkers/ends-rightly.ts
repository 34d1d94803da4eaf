import { isUndo } from '@lockstep/agent/core/operation.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeView, WorldView } from '../world/view.ts';
import { type Invariant, isExcused, isNewInPlace, isOldInPlace } from './invariant.ts';
import { wronglyNeedsOperator } from './needs-operator.ts';

/**
 * Invariant 5, its first half: the outcome is one of four and the disks are as it says. Excused is
 * that an operation whose ledgers a fault took asks a person, or is known to no coordinator.
 */
export const endsRightly: Invariant = {
  name: 'ends-rightly',
  promise: 'Every operation ends restored, rolled-back, refused or needs-operator.',
  watch: () => (world) => {
    const { end } = world;
    if (end === undefined) return undefined;
    if (isUnpromised(world, end.outcome)) return undefined;
    return wrongEnd(world, end.outcome, end.code);
  },
};

/** What ends by itself is never said to have ended well. */
function isUnpromised({ excuses }: WorldView, outcome: Outcome | undefined): boolean {
  const endsWell = outcome !== undefined && outcome !== Outcome.OUTCOME_NEEDS_OPERATOR;
  return !endsWell && excuses.some(({ promise }) => promise === 'ends-by-itself');
}

function wrongEnd(world: WorldView, outcome: Outcome | undefined, code: string): string | undefined {
  switch (outcome) {
    case Outcome.OUTCOME_RESTORED:
      return firstOf(world, (node) => {
        if (!isNewInPlace(node)) return 'NEW is not in place';
        return node.ledger.operation?.phase === 'closed' ? undefined : 'its ledger is not closed';
      });
    case Outcome.OUTCOME_ROLLED_BACK:
      return firstOf(world, isBackUnlessAway);
    case Outcome.OUTCOME_REFUSED:
      return firstOf(
        world,
        (node) => isBackUnlessAway(node) ?? (wasFenced(node) ? 'its API server was stopped' : undefined),
      );
    case Outcome.OUTCOME_NEEDS_OPERATOR:
      return wronglyNeedsOperator(code, new Set(world.faults.map(({ kind }) => kind)));
    default:
      // One that no agent has promised and whose journal is gone is known to nobody, and touched nothing.
      return isForgotten(world) ? undefined : 'it did not end';
  }
}

/** A node that was away has not undone yet; that it does is comes-back's to see. */
function isBackUnlessAway(node: NodeView): string | undefined {
  const { operation } = node.ledger;
  if (operation?.phase === 'committed' || operation?.phase === 'closed') return `it is ${operation.phase}`;
  if (operation?.phase === 'undone' || operation === undefined) {
    return isOldInPlace(node) ? undefined : 'OLD is not in place';
  }
  return undefined;
}

function wasFenced(node: NodeView): boolean {
  return (
    node.ledger.operation?.effects.some(({ step }) => !isUndo(step) && step >= Step.STEP_FENCE_API) ?? false
  );
}

function firstOf(world: WorldView, wrong: (node: NodeView) => string | undefined): string | undefined {
  for (const node of world.nodes) {
    if (node.leftOut) continue;
    const how = wrong(node);
    if (how !== undefined && !isExcused(world, 'ledger-only-grows', node.index))
      return `${node.name}: ${how}`;
  }
  return undefined;
}

function isForgotten(world: WorldView): boolean {
  return (
    world.faults.some(({ kind }) => kind === 'journal-lost' || kind === 'journal-rewound') &&
    world.nodes.every(({ ledger }) => ledger.operation === undefined)
  );
}
