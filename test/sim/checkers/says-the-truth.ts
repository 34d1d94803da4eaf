import type { NodeState, OperationState } from '@lockstep/coordinator/core/state.ts';
import { truthOf } from '@lockstep/coordinator/core/truth.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { CoordinatorView, NodeView, WorldView } from '../world/view.ts';
import { type Invariant, isExcused, isNewInPlace, isOldInPlace } from './invariant.ts';

/**
 * Invariant 5, its second half, at the moment of an end: the sentence about each node is compared
 * with the node. Excused on a node whose ledger a fault took: what is said rests on its answers. And
 * of one that did not answer, where another's forgot that it had been ready for the commit.
 */
export const saysTheTruth: Invariant = {
  name: 'says-the-truth',
  promise: 'An operation that has ended says what is true on each node.',
  watch() {
    const judged: (OperationState | undefined)[] = [];
    return (world) => {
      for (const coordinator of world.coordinators) {
        const { state, index } = coordinator;
        if (state === undefined || state === judged[index] || state.stage.kind !== 'ended') continue;
        judged[index] = state;
        const how = falsehood(world, coordinator, state);
        if (how !== undefined) return how;
      }
      return undefined;
    };
  },
};

function falsehood(world: WorldView, { name }: CoordinatorView, state: OperationState): string | undefined {
  for (const node of world.nodes) {
    const known = state.nodes.get(node.name);
    if (known === undefined) continue;
    const sentence = truthOf(state, known);
    if (sentence === '') return `${name} says nothing of ${node.name}`;
    const how = isFalse(sentence, state, known, node);
    if (
      how !== undefined &&
      !isExcused(world, 'ledger-only-grows', node.index) &&
      !mayHaveForgotten(world, sentence)
    ) {
      return `${name} says of ${node.name}: “${sentence}” but ${how}`;
    }
  }
  return undefined;
}

function mayHaveForgotten({ excuses }: WorldView, sentence: string): boolean {
  return (
    sentence.startsWith('Did not answer') && excuses.some(({ promise }) => promise === 'commit-excludes-undo')
  );
}

/** By the words of the sentence, not by how the core came to it. */
function isFalse(
  sentence: string,
  state: OperationState,
  known: NodeState,
  node: NodeView,
): string | undefined {
  const phase = node.ledger.operation?.phase;
  if (sentence.startsWith('NEW serves')) return isNewInPlace(node) ? undefined : 'NEW is not in place';
  if (sentence.startsWith('NEW is committed and in place')) {
    if (phase !== 'committed' && phase !== 'closed') return `its ledger is ${phase}`;
    return isNewInPlace(node) ? undefined : 'NEW is not in place';
  }
  if (sentence.startsWith('OLD ')) return isOldInPlace(node) ? undefined : 'OLD is not in place';
  if (sentence.startsWith('Did not answer; OLD serves'))
    return isOldInPlace(node) ? undefined : 'OLD is not in place';
  if (sentence.startsWith('Did not answer')) {
    return phase === 'committed' || phase === 'closed' ? `its ledger is ${phase}` : undefined;
  }
  if (sentence.startsWith('Not known')) {
    const isNeeded = state.stage.kind === 'ended' && state.stage.outcome === Outcome.OUTCOME_NEEDS_OPERATOR;
    return isNeeded || known.phase >= Phase.PHASE_FENCE ? undefined : 'it never left OLD';
  }
  return 'nobody has looked at such a sentence';
}
