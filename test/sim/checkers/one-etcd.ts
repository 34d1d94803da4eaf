import { majorityOf, oldQuorum } from '@lockstep/coordinator/core/quorum.ts';
import type { EtcdProcess, NodeView } from '../world/view.ts';
import { type Invariant, isExcused } from './invariant.ts';

/**
 * Invariant 1. An etcd that waits for the lock on its database is not on the store yet: etcd's
 * own lock keeps it out. Excused is what an outside hand started, by itself: it is not counted.
 */
export const oneEtcd: Invariant = {
  name: 'one-etcd',
  promise: 'At most one etcd process on a store, and never two quorum-capable incarnations of a cluster.',
  watch() {
    let quorums: { old: number; new: number } | undefined;
    return (world) => {
      quorums ??= { old: oldQuorum(world.plan), new: majorityOf(world.plan.nodes.length) };
      let oldServing = 0;
      let newServing = 0;
      for (const node of world.nodes) {
        for (const etcd of node.etcds) {
          if (etcd.startedBy === 'outside' && isExcused(world, 'outside-process', node.index)) continue;
          if (etcd.mixed) return `${node.name}: etcd ${etcd.pid} had its store exchanged under it`;
          if (etcd.waitsForLock) continue;
          const other = otherOn(node, etcd);
          if (other !== undefined) {
            return `${node.name}: etcd ${etcd.pid} and ${other.pid} run on store ${etcd.inode}`;
          }
          if (!etcd.serving) continue;
          if (etcd.incarnation === 'old') oldServing += 1;
          else if (etcd.incarnation === 'new') newServing += 1;
          else
            return `${node.name}: etcd ${etcd.pid} serves ${etcd.incarnation}, a cluster that nobody planned`;
        }
      }
      if (oldServing >= quorums.old && newServing >= quorums.new) {
        return `OLD can serve with ${oldServing} members, and NEW with ${newServing}`;
      }
      return undefined;
    };
  },
};

function otherOn(node: NodeView, etcd: EtcdProcess): EtcdProcess | undefined {
  if (node.etcds.length === 1) return undefined;
  return node.etcds.find(
    (each) =>
      each !== etcd && each.inode === etcd.inode && !each.waitsForLock && each.startedBy === 'kubelet',
  );
}
