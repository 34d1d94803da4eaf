import { majorityOf, oldQuorum } from '@lockstep/coordinator/core/quorum.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { EndOfOperation, NodeView, WorldView } from '../world/view.ts';
import { type Invariant, isExcused, isForgotten, isNewInPlace, isOldInPlace } from './invariant.ts';

/**
 * Once every fault is over and everyone can be reached, what the outcome promised is so on every
 * node, those included that were away: nobody had to ask. Excused is a node whose ledger a fault
 * took: it is a stranger to the operation and does nothing.
 */
export const comesBack: Invariant = {
  name: 'comes-back',
  promise:
    'A node that was away during a rollback comes back to OLD unaided; after a restore NEW serves everywhere.',
  watch: () => (world) => {
    const { end } = world;
    if (end === undefined || !end.quiet) return undefined;
    for (const node of world.nodes) {
      if (node.gone) continue;
      const how = node.leftOut ? notSetAside(world, end, node) : notBack(end, node);
      if (how !== undefined && !isExcused(world, 'ledger-only-grows', node.index))
        return `${node.name}: ${how}`;
    }
    return unserved(world, end);
  },
};

function notBack(end: EndOfOperation, node: NodeView): string | undefined {
  switch (end.outcome) {
    case Outcome.OUTCOME_ROLLED_BACK:
    case Outcome.OUTCOME_REFUSED: {
      if (!isOldInPlace(node)) return 'OLD did not come back';
      const { operation } = node.ledger;
      if (operation !== undefined && operation.phase !== 'undone')
        return `its ledger is still ${operation.phase}`;
      return notRunning(node);
    }
    case Outcome.OUTCOME_RESTORED:
      if (!isNewInPlace(node)) return 'NEW is not in place';
      return notRunning(node);
    default:
      return undefined;
  }
}

/**
 * One that a restore went on without is kept from starting anything, OLD untouched; where nothing was
 * restored it is nobody's to stop. Where no ledger is left that knows of the restore, nobody knows either.
 */
function notSetAside(world: WorldView, { outcome }: EndOfOperation, node: NodeView): string | undefined {
  if (!isOldInPlace(node)) return 'OLD is not in place';
  if (isForgotten(world)) return undefined;
  const { operation } = node.ledger;
  switch (outcome) {
    case Outcome.OUTCOME_ROLLED_BACK:
    case Outcome.OUTCOME_REFUSED:
      return operation === undefined ? notRunning(node) : 'it was set aside, and nothing was restored';
    case Outcome.OUTCOME_RESTORED: {
      if (operation?.phase !== 'closed') return 'it is back, and was not set aside';
      if (node.kubelet.hold.volatile === 0) return 'it is set aside, and kubelet is not held';
      const running = node.etcds.some(({ startedBy }) => startedBy === 'kubelet');
      return running ? 'it is set aside, and etcd runs' : undefined;
    }
    default:
      return undefined;
  }
}

function notRunning(node: NodeView): string | undefined {
  if (node.liveManifests.etcd.volatile === 0) return 'the manifest of etcd is not in place';
  if (node.kubelet.hold.volatile !== 0) return 'kubelet is still held';
  return undefined;
}

function unserved(world: WorldView, { outcome }: EndOfOperation): string | undefined {
  const serving = (incarnation: string): number =>
    world.nodes.filter((node) => node.etcds.some((etcd) => etcd.serving && etcd.incarnation === incarnation))
      .length;
  const isRestored = outcome === Outcome.OUTCOME_RESTORED;
  if (isRestored && serving('new') < majorityOf(world.plan.nodes.length)) return 'NEW has no quorum';
  const isBack = outcome === Outcome.OUTCOME_ROLLED_BACK || outcome === Outcome.OUTCOME_REFUSED;
  const owed = isBack && world.plan.baseline?.serving === true;
  return owed && serving('old') < oldQuorum(world.plan) ? 'OLD has no quorum' : undefined;
}
