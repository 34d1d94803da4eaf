import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { type Invariant, isExcused } from './invariant.ts';

/**
 * Invariant 4, at the moment when each effect begins; one that is never promised anything while it
 * is under way begins its next part under the same promise. Excused on a node whose ledger a fault
 * took or rewound: what had been promised there is no longer known to anyone.
 */
export const promisedEpoch: Invariant = {
  name: 'promised-epoch',
  promise: 'No effect under an epoch other than the one promised.',
  watch: () => (world) => {
    const { last } = world;
    if (last.node < 0) return undefined;
    const node = world.nodes[last.node];
    const effect = node?.effect;
    if (node === undefined || effect === undefined) return undefined;
    const { epoch, promised } = effect;
    if (isSame(epoch, promised) || isExcused(world, 'ledger-only-grows', node.index)) return undefined;
    return `${node.name}: ${effect.what} under ${words(epoch)}; promised is ${words(promised)}`;
  },
};

function isSame(a: Epoch | undefined, b: Epoch | undefined): boolean {
  return (
    a === b ||
    (a !== undefined && b !== undefined && a.number === b.number && a.coordinatorId === b.coordinatorId)
  );
}

function words(epoch: Epoch | undefined): string {
  return epoch === undefined ? 'nothing' : `${epoch.number} of ${epoch.coordinatorId}`;
}
