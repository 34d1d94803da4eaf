import { type Invariant, isExcused, storeAt } from './invariant.ts';

/**
 * Invariant 8, of OLD. Its own member writes it while it serves; nothing else ever does. Excused is
 * an etcd that an outside hand started on it: nobody can keep root from writing.
 */
export const sourcesUnwritten: Invariant = {
  name: 'sources-unwritten',
  promise: 'A source is never written: not a snapshot, not evidence, not OLD.',
  watch: () => (world) => {
    for (const node of world.nodes) {
      const old = storeAt(node, node.oldInode);
      if (old === undefined || old.intact || isExcused(world, 'outside-process', node.index)) continue;
      return `${node.name}: OLD was written`;
    }
    return undefined;
  },
};
