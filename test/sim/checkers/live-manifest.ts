import type { NodeView } from '../world/view.ts';
import { type Invariant, storeAt } from './invariant.ts';

/**
 * Invariant 3: now, and after a power loss at this moment, which may keep or drop each thing that
 * was not synced. No fault excuses it: whatever hand puts a manifest back, a complete store bears
 * the name.
 */
export const liveManifest: Invariant = {
  name: 'live-manifest',
  promise: 'A live etcd manifest implies exactly one complete data directory in place.',
  watch: () => (world) => {
    for (const node of world.nodes) {
      const { volatile, durable } = node.liveManifests.etcd;
      if (volatile === 0 && durable === 0) continue;
      const { inPlace } = node;
      if (volatile !== 0) {
        const now = storeAt(node, inPlace.volatile);
        if (now === undefined || now.removed) return `${node.name}: etcd.yaml is live over no data directory`;
        if (now.content !== 'complete') return `${node.name}: etcd.yaml is live over half a data directory`;
      }
      if (!survives(node, inPlace.durable)) {
        return `${node.name}: after a power loss etcd.yaml may be live over no complete data directory`;
      }
      if (inPlace.volatile !== inPlace.durable && !survives(node, inPlace.volatile)) {
        return `${node.name}: after a power loss etcd.yaml may be live over what was not synced`;
      }
    }
    return undefined;
  },
};

function survives(node: NodeView, inode: number): boolean {
  const store = storeAt(node, inode);
  return store !== undefined && !store.removed && store.durable === 'complete';
}
