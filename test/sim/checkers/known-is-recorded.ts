import type { OperationState } from '@lockstep/coordinator/core/state.ts';
import type { NodeView } from '../world/view.ts';
import { type Invariant, isExcused } from './invariant.ts';

/**
 * Invariant 9, from the other end: what a coordinator was answered stands in the agent's ledger.
 * Excused on a node whose ledger a fault took or rewound.
 */
export const knownIsRecorded: Invariant = {
  name: 'known-is-recorded',
  promise: 'What a coordinator knows of an agent is recorded in its ledger.',
  watch() {
    const seen: (OperationState | undefined)[] = [];
    return (world) => {
      for (const { index, name, state } of world.coordinators) {
        if (state === undefined || state === seen[index]) continue;
        const before = seen[index]?.nodes;
        seen[index] = state;
        // The map is made anew with each event; its values only where they changed.
        for (const node of world.nodes) {
          const known = state.nodes.get(node.name);
          if (known === undefined || known === before?.get(node.name)) continue;
          const how = contradiction(state, known, node);
          if (how === undefined || isExcused(world, 'ledger-only-grows', node.index)) continue;
          return `${name} knows ${node.name} as ${how}`;
        }
      }
      return undefined;
    };
  },
};

function contradiction(
  state: OperationState,
  known: { promised: boolean | undefined; committed: boolean; closed: boolean; undone: boolean },
  { ledger }: NodeView,
): string | undefined {
  const phase = ledger.operation?.phase;
  if (known.closed && phase !== 'closed') return `closed; its ledger says ${phase}`;
  if (known.committed && phase !== 'committed' && phase !== 'closed')
    return `committed; its ledger says ${phase}`;
  if (known.undone && phase !== 'undone') return `undone; its ledger says ${phase}`;
  if (known.promised === true && (ledger.promised === undefined || ledger.operation === undefined)) {
    return `promised; its ledger says nothing of it`;
  }
  // A closed ledger obeys nobody any more, and is asked for no promise.
  const obeys = phase === 'open' || phase === 'committed';
  if (known.promised === true && obeys && state.stage.kind === 'forward') {
    const held = ledger.promised?.number ?? 0n;
    if (held < state.epoch.number) return `promised ${state.epoch.number}; its ledger holds ${held}`;
  }
  return undefined;
}
