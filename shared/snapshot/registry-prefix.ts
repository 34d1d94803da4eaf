import type { KeyTable } from './key-table.ts';
import type { Steps } from './steps.ts';

/** Keys that every cluster has, under whatever prefix. */
export const LANDMARKS: readonly string[] = [
  '/namespaces/kube-system',
  '/namespaces/default',
  '/services/specs/default/kubernetes',
  '/ranges/serviceips',
];

/** Looked at between one step and the next. */
const STEP_KEYS = 2048;

/**
 * The etcd prefix under which Kubernetes objects lie, found by what lies there. Where several do
 * (virtual clusters in one etcd), the one with the most keys; empty where there is none.
 */
export function* findRegistryPrefix(live: KeyTable): Steps<string> {
  const candidates = new Map<string, number>();
  for (const landmark of LANDMARKS) {
    for (const key of yield* live.endingWith(landmark)) {
      if (key.length > landmark.length) candidates.set(key.slice(0, -landmark.length), 0);
    }
  }
  if (candidates.size > 1) {
    let sinceStep = 0;
    for (const [key] of live) {
      if (++sinceStep % STEP_KEYS === 0) yield;
      for (const [candidate, count] of candidates) {
        if (key.startsWith(`${candidate}/`)) candidates.set(candidate, count + 1);
      }
    }
  }
  const [most] = [...candidates].sort(([, a], [, b]) => b - a);
  return most?.[0] ?? '';
}
