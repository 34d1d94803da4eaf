import type { NodeView } from '../world/view.ts';
import { type Invariant, storeAt } from './invariant.ts';

/** Invariant 2: now, and after a power loss at this moment. No fault excuses it. */
export const oldWhole: Invariant = {
  name: 'old-whole',
  promise: 'OLD exists, whole, until an explicit purge.',
  watch: () => (world) => {
    for (const node of world.nodes) {
      if (node.oldInode === 0) continue;
      const old = storeAt(node, node.oldInode);
      if (old === undefined || old.removed) return `${node.name}: OLD is gone`;
      if (old.content !== 'complete') return `${node.name}: OLD is no longer complete`;
      if (old.durable !== 'complete') return `${node.name}: OLD would not be complete after a power loss`;
      if (!isNamed(node, 'volatile')) return `${node.name}: OLD has lost its name`;
      if (!isNamed(node, 'durable')) return `${node.name}: OLD would have lost its name after a power loss`;
    }
    return undefined;
  },
};

function isNamed(node: NodeView, view: 'volatile' | 'durable'): boolean {
  return node.inPlace[view] === node.oldInode || node.other[view] === node.oldInode;
}
