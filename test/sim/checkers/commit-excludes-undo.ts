import { isUndo } from '@lockstep/agent/core/operation.ts';
import type { NodeView } from '../world/view.ts';
import { type Invariant, perNode } from './invariant.ts';

/**
 * Promises 2 and 3 of docs/commit-and-undo.md, on each agent and across them. What was once
 * recorded counts for good, also where its ledger forgot it. Excused only by what an excuse says
 * outright: a ledger that forgot its commit or its undo may do the other, and others with it.
 */
export const commitExcludesUndo: Invariant = {
  name: 'commit-excludes-undo',
  promise: 'No agent undoes after one has committed; none commits after one has begun to undo.',
  watch() {
    let seen: { records: number }[] | undefined;
    let committed: NodeView | undefined;
    let undoing: NodeView | undefined;
    return (world) => {
      seen ??= perNode(world, () => ({ records: -1 }));
      for (const node of world.nodes) {
        const then = seen[node.index];
        if (then === undefined || then.records === node.ledger.records) continue;
        then.records = node.ledger.records;
        const { operation } = node.ledger;
        if (operation === undefined) continue;
        if (operation.phase === 'committed' || operation.phase === 'closed') committed ??= node;
        if (operation.phase === 'undone' || operation.effects.some(({ step }) => isUndo(step)))
          undoing ??= node;
        if (committed === undefined || undoing === undefined) continue;
        if (world.excuses.some((excuse) => excuse.promise === 'commit-excludes-undo')) continue;
        return `${committed.name} has committed, and ${undoing.name} has begun to undo`;
      }
      return undefined;
    };
  },
};
