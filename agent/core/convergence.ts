import type { Inode } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Component, KubeletState } from '../ports.ts';
import type { SwapRecord } from './operation.ts';

/** Which store bears the data directory's name. */
export type StoreInPlace = 'old' | 'new' | 'unknown';

/** `none` on a node without a member, which has no store. */
export type StoreHere = StoreInPlace | 'none';

/**
 * Which store is in place, by the inodes that the ledger recorded before the first exchange. With
 * none recorded nothing was ever exchanged: OLD is where it always was.
 *
 * Both stores lie on one filesystem, so there the inode number alone identifies; device numbers
 * may change across a reboot, and are believed only where one of the two stores is missing.
 */
export function identifyStore(
  found: { readonly inPlace: Inode | undefined; readonly other: Inode | undefined },
  recorded: SwapRecord | undefined,
): StoreInPlace {
  const { inPlace, other } = found;
  if (recorded === undefined) return inPlace === undefined ? 'unknown' : 'old';
  if (inPlace === undefined) return 'unknown';
  if (other !== undefined && other.device === inPlace.device) {
    if (inPlace.number === recorded.old.number && other.number === recorded.new.number) return 'old';
    if (inPlace.number === recorded.new.number && other.number === recorded.old.number) return 'new';
    return 'unknown';
  }
  if (sameInode(inPlace, recorded.old)) return 'old';
  if (sameInode(inPlace, recorded.new)) return 'new';
  return 'unknown';
}

export function sameInode(a: Inode, b: Inode): boolean {
  return a.device === b.device && a.number === b.number;
}

/** The order in which components return: each needs the one before. */
export const RETURN_ORDER = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
] as const satisfies readonly Component[];

export interface Observation {
  readonly store: StoreHere;
  /**
   * An exchange was intended: NEW may have run here, whichever store is in place now. Without a
   * store: the node was fenced and is not on its way back yet, so that an API server that somebody
   * let in may have read NEW from the members.
   */
  readonly exchanged: boolean;
  readonly kubelet: KubeletState;
  /** Components that the plan knows on this node. */
  readonly planned: readonly Component[];
  readonly manifestsInPlace: readonly Component[];
  /** True only where the stop of every planned component is proven now. */
  readonly provenStopped: boolean;
}

/**
 * `old-in-place`: all of NEW stopped, OLD in place. An OLD that was never swapped out is left
 * running: there is nothing of NEW to stop. `old-serving`: OLD in place, manifests and kubelet back.
 */
export type Target = 'old-in-place' | 'old-serving';

export type Action =
  | { readonly kind: 'hold-kubelet' }
  | { readonly kind: 'park-manifests' }
  | { readonly kind: 'stop-components' }
  | { readonly kind: 'exchange-back' }
  | { readonly kind: 'return-manifest'; readonly component: Component }
  | { readonly kind: 'release-kubelet' };

export type Next =
  | { readonly kind: 'done' }
  | { readonly kind: 'act'; readonly action: Action }
  /** The disk is not as recorded: nobody guesses. */
  | { readonly kind: 'store-not-as-recorded' }
  /** NEW is in place: `old-in-place` must be reached first. */
  | { readonly kind: 'new-in-place' };

/** More than the longest path from any observation to any target; every repeat above it is a fault. */
export const MAX_ACTIONS = 24;

/**
 * The next action toward a target, from what is. Total; acts only where the observation differs
 * from the target, so each action that takes effect brings it nearer and none follows for ever.
 *
 * Invariants: data moves only with kubelet held, manifests out and the stop proven; a manifest
 * returns and kubelet is released only over OLD in place. etcd returns first: an API server that
 * starts without it crashes, and kubelet then lets it wait.
 */
export function nextAction(observation: Observation, target: Target): Next {
  if (observation.store === 'unknown') return { kind: 'store-not-as-recorded' };
  switch (target) {
    case 'old-in-place': {
      if (observation.store === 'none') {
        return (observation.exchanged ? towardStop(observation) : undefined) ?? { kind: 'done' };
      }
      if (observation.store === 'old') {
        // A container that was on its way when kubelet stopped may have started NEW after the first
        // proof, and the exchange does not end it. Once OLD is on its way back nothing is stopped.
        const isFenced = observation.kubelet.held && observation.manifestsInPlace.length === 0;
        if (!observation.exchanged || !isFenced) return { kind: 'done' };
        if (observation.kubelet.active) return act({ kind: 'hold-kubelet' });
        return observation.provenStopped ? { kind: 'done' } : act({ kind: 'stop-components' });
      }
      return towardStop(observation) ?? act({ kind: 'exchange-back' });
    }
    case 'old-serving': {
      if (observation.store === 'new') return { kind: 'new-in-place' };
      const missing = RETURN_ORDER.filter(
        (component) =>
          observation.planned.includes(component) && !observation.manifestsInPlace.includes(component),
      );
      const [first] = missing;
      if (first === 'etcd') return act({ kind: 'return-manifest', component: first });
      // A mark that holds nothing today keeps kubelet down after the next reload.
      if (observation.kubelet.marked || !observation.kubelet.active) return act({ kind: 'release-kubelet' });
      if (first !== undefined) return act({ kind: 'return-manifest', component: first });
      return { kind: 'done' };
    }
    default:
      return target satisfies never;
  }
}

/** The next action toward a proven stop, of what is kept from starting; undefined where it is proven. */
function towardStop({ kubelet, manifestsInPlace, provenStopped }: Observation): Next | undefined {
  if (!kubelet.held || kubelet.active) return act({ kind: 'hold-kubelet' });
  if (manifestsInPlace.length > 0) return act({ kind: 'park-manifests' });
  return provenStopped ? undefined : act({ kind: 'stop-components' });
}

function act(action: Action): Next {
  return { kind: 'act', action };
}
