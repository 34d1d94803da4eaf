import type { NodeView, WorldView } from '../world/view.ts';
import { type Invariant, isExcused, perNode, wasHandled } from './invariant.ts';

interface Before {
  inPlace: number;
  manifest: number;
}

/**
 * The order on disk that invariant 3 rests on. Excused where an outside hand put a manifest back,
 * or started an etcd, on this node: no order of ours is left to judge there. A power loss sets
 * what is back to what is durable and is no move of data.
 */
export const orderOnDisk: Invariant = {
  name: 'order-on-disk',
  promise:
    'Manifests out and synced, kubelet held and etcd stopped before data moves; data in and synced before the manifest returns.',
  watch() {
    let before: Before[] | undefined;
    return (world) => {
      if (before === undefined) {
        before = perNode(world, (node) => ({
          inPlace: node.inPlace.volatile,
          manifest: node.liveManifests.etcd.volatile,
        }));
        return undefined;
      }
      for (const node of world.nodes) {
        const then = before[node.index];
        if (then === undefined) continue;
        const moved = node.inPlace.volatile !== then.inPlace;
        const returned = node.liveManifests.etcd.volatile > then.manifest;
        if (!moved && node.liveManifests.etcd.volatile === then.manifest) continue;
        then.inPlace = node.inPlace.volatile;
        then.manifest = node.liveManifests.etcd.volatile;
        if (world.last.kind === 'fault') continue;
        const how =
          (moved ? whyNotMoved(world, node) : undefined) ?? (returned ? whyNotReturned(node) : undefined);
        if (how !== undefined && !wasHandled(world, node.index)) return `${node.name}: ${how}`;
      }
      return undefined;
    };
  },
};

function whyNotMoved(world: WorldView, node: NodeView): string | undefined {
  const { volatile, durable } = node.liveManifests.etcd;
  if (volatile !== 0) return 'data moved with etcd.yaml in place';
  if (durable !== 0) return 'data moved before the absence of etcd.yaml was synced';
  if (node.kubelet.running) return 'data moved with kubelet running';
  if (node.kubelet.hold.durable === 0) return 'data moved before the hold on kubelet was synced';
  // One that is only starting waits for the lock that whoever moves the data holds.
  const etcd = node.etcds.find(
    (each) =>
      each.serving && (each.startedBy === 'kubelet' || !isExcused(world, 'outside-process', node.index)),
  );
  return etcd === undefined ? undefined : `data moved under etcd ${etcd.pid}`;
}

function whyNotReturned(node: NodeView): string | undefined {
  if (node.inPlace.volatile !== node.inPlace.durable)
    return 'etcd.yaml returned before the exchange was synced';
  return undefined;
}
