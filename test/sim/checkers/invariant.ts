import type { Excuse, NodeView, StoreView, WorldView } from '../world/view.ts';

/** Looks at the world after one event; what it says is how the invariant was broken. */
export type Check = (world: WorldView) => string | undefined;

/**
 * One promise of Lockstep. `watch` makes a check for one operation: what it must remember of
 * earlier events lives in there, and it changes nothing else.
 */
export interface Invariant {
  readonly name: string;
  /** The promise, in the words of the design. */
  readonly promise: string;
  watch(): Check;
}

export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';
  readonly invariant: string;

  constructor(invariant: string, how: string) {
    super(`${invariant}: ${how}`);
    this.invariant = invariant;
  }
}

/** Whether a fault took this promise away, on this node, before or with this event. */
export function isExcused(world: WorldView, promise: Excuse['promise'], node: number): boolean {
  return world.excuses.some(
    (excuse) => excuse.promise === promise && (excuse.node === node || excuse.node === -1),
  );
}

/** Whether a fault took the ledger of every node that takes part: nobody is left who knows of a commit. */
export function isForgotten(world: WorldView): boolean {
  return world.nodes.every(({ leftOut, index }) => leftOut || isExcused(world, 'ledger-only-grows', index));
}

/** Whether an outside hand put a manifest back on this node. */
export function wasHandled(world: WorldView, node: number): boolean {
  return isExcused(world, 'manifests-stay-out', node);
}

export function storeAt(node: NodeView, inode: number): StoreView | undefined {
  return inode === 0 ? undefined : node.stores.get(inode);
}

export function isOldInPlace(node: NodeView): boolean {
  return node.inPlace.volatile === node.oldInode;
}

export function isNewInPlace(node: NodeView): boolean {
  return storeAt(node, node.inPlace.volatile)?.incarnation === 'new';
}

/** Indexed by node: a check's memory of the event before. */
export function perNode<Memory>(world: WorldView, remember: (node: NodeView) => Memory): Memory[] {
  return world.nodes.map(remember);
}

/** As `perNode`, without the nodes that the operation goes on without: they are the last. */
export function perPlannedNode<Memory>(world: WorldView, remember: (node: NodeView) => Memory): Memory[] {
  return world.nodes.filter(({ leftOut }) => !leftOut).map(remember);
}
