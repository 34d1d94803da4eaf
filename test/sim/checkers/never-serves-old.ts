import { oldQuorum } from '@lockstep/coordinator/core/quorum.ts';
import type { WorldView } from '../world/view.ts';
import { type Check, type Invariant, isExcused, isForgotten, perNode } from './invariant.ts';

/**
 * The design's word on nodes that were away: after the first commit nobody serves OLD again, on
 * whatever node and however it comes back. A lone member of OLD may run; it has no quorum, so no
 * API server on it is ready and no client is answered. Excused is what an outside hand started, and
 * an OLD that comes back once no ledger is left that knows of the commit.
 */
export const neverServesOld: Invariant = {
  name: 'never-serves-old',
  promise: 'A node that was away during a restore never serves OLD.',
  watch() {
    let records: number[] | undefined;
    let hasCommitted = false;
    let oldWrites = 0;
    let quorum = 0;
    const servesOld: Check = (world) => {
      let serving = 0;
      for (const node of world.nodes) {
        for (const etcd of node.etcds) {
          if (etcd.incarnation === 'old' && etcd.serving && etcd.startedBy === 'kubelet') serving += 1;
        }
        // What one that was left out told its API server is stale; that nobody writes there is seen below.
        if (node.leftOut) continue;
        for (const api of node.apiServers) {
          if (!api.ready || api.incarnation !== 'old') continue;
          if (api.startedBy === 'outside' && isExcused(world, 'outside-process', node.index)) continue;
          return `${node.name}: an API server serves OLD after the commit`;
        }
      }
      if (serving >= quorum) return `${serving} members of OLD serve after the commit`;
      const writes = writesToOld(world);
      if (writes > oldWrites) return 'a client wrote to OLD after the commit';
      return undefined;
    };
    return (world) => {
      records ??= perNode(world, () => -1);
      if (!hasCommitted) {
        hasCommitted = someCommitted(world, records);
        if (!hasCommitted) return undefined;
        oldWrites = writesToOld(world);
        quorum = oldQuorum(world.plan);
      }
      const how = servesOld(world);
      return how === undefined || isForgotten(world) ? undefined : how;
    };
  },
};

function someCommitted(world: WorldView, records: number[]): boolean {
  for (const { index, ledger } of world.nodes) {
    if (records[index] === ledger.records) continue;
    records[index] = ledger.records;
    const phase = ledger.operation?.phase;
    if (phase === 'committed' || phase === 'closed') return true;
  }
  return false;
}

function writesToOld(world: WorldView): number {
  return world.writes.find((tally) => tally.incarnation === 'old')?.acknowledged ?? 0;
}
