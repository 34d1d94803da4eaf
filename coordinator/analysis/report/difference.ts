import type { ObjectDiff } from '../diff/object-diff.ts';
import type { Difference } from './model.ts';

/** On one page; `inspect diff` tells them all. */
const MAX_SHOWN = 500;
const MAX_SHOWN_OF_A_RESOURCE = 60;
/** What is told last: it comes and goes by itself. */
const LAST = new Set([
  'events',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
  'endpointslices.discovery.k8s.io',
  'endpoints',
  'masterleases',
  '',
]);

/** Counts all, and keeps as many as a page holds. Undefined: of that object only bookkeeping differs. */
export function countDifference(diffs: Iterable<ObjectDiff | undefined>): Difference {
  const counts = new Map<string, { added: number; removed: number; changed: number }>();
  const kept = new Map<string, ObjectDiff[]>();
  let folded = 0;
  for (const diff of diffs) {
    if (diff === undefined) {
      folded += 1;
      continue;
    }
    const of = counts.get(diff.resource) ?? { added: 0, removed: 0, changed: 0 };
    counts.set(diff.resource, of);
    of[diff.change] += 1;
    const list = kept.get(diff.resource) ?? [];
    kept.set(diff.resource, list);
    if (list.length < MAX_SHOWN_OF_A_RESOURCE) list.push(diff);
  }
  const byResource = [...counts]
    .map(([resource, of]) => ({ resource, ...of }))
    .sort(
      (a, b) =>
        Number(LAST.has(a.resource)) - Number(LAST.has(b.resource)) || (a.resource < b.resource ? -1 : 1),
    );
  const objects = byResource.flatMap(({ resource }) => kept.get(resource) ?? []).slice(0, MAX_SHOWN);
  const sum = (change: 'added' | 'removed' | 'changed'): number =>
    byResource.reduce((total, of) => total + of[change], 0);
  const [added, removed, changed] = [sum('added'), sum('removed'), sum('changed')];
  return {
    added,
    removed,
    changed,
    byResource,
    objects,
    notShown: added + removed + changed - objects.length,
    folded,
  };
}
