import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { CatalogueEntry } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { pinsOn } from '@lockstep/shared/marks.ts';
import { lastGood, type RetentionCandidate } from './retention.ts';
import { isBrokenAt, placesOf, type Standing } from './standing.ts';

/** Words by snapshot: operations that are open and plans that may still be run. */
export type UseWords = ReadonlyMap<string, readonly string[]>;

/** As retention looks at an entry. */
export function candidateOf(entry: CatalogueEntry, uses: UseWords): RetentionCandidate {
  const { card, marks, standing } = entry;
  const id = card?.id ?? '';
  const pins = pinsOn(marks).map(({ by, reason, evidence }) =>
    evidence ? `evidence, by ${by}: ${reason}` : `pinned by ${by}: ${reason}`,
  );
  return {
    id,
    takenMs: Date.parse(card?.takenAt ?? '') || 0,
    revision: card?.facts?.status?.revision ?? 0n,
    appliedIndex: card?.facts?.consistentIndex ?? 0n,
    standing: standing as Standing,
    protectedFor: [...pins, ...(uses.get(id) ?? [])],
  };
}

export interface DeletionAsked {
  readonly entry: CatalogueEntry;
  /** From which of its places; all of them where it is to be gone. */
  readonly places: readonly string[];
  readonly all: readonly CatalogueEntry[];
  readonly uses: UseWords;
  readonly nowMs: number;
}

/**
 * Why it may not be deleted: whether a second person's approval changes that is in each refusal's
 * class. A pin holds every copy, the last good one any copy that is whole.
 */
export function judgeDeletion({ entry, places, all, uses, nowMs }: DeletionAsked): Refusal[] {
  const id = entry.card?.id ?? '';
  const used = (uses.get(id) ?? []).map((words) => refusal('SNAPSHOT_IN_USE', `${id} is ${words}`));
  const pinned = pinsOn(entry.marks).map(({ by, reason, evidence }) =>
    refusal(evidence ? 'SNAPSHOT_EVIDENCE' : 'SNAPSHOT_PINNED', `${id} is pinned by ${by}: ${reason}`),
  );
  const wholeElsewhere = placesOf(entry).some(
    (place) => !places.includes(place) && !isBrokenAt(entry, place),
  );
  const last = wholeElsewhere ? [] : whyLast(id, all, nowMs);
  return [...used, ...pinned, ...last];
}

function whyLast(id: string, all: readonly CatalogueEntry[], nowMs: number): Refusal[] {
  const candidates = all.map((each) => candidateOf(each, new Map()));
  const good = candidates.filter(({ standing }) => standing === 'good');
  if (good.length > 0) {
    return lastGood(good, nowMs).has(id)
      ? [refusal('SNAPSHOT_LAST_GOOD', `${id} is the last good snapshot that is known`)]
      : [];
  }
  // None is good for certain: then nobody knows which of them will have to do.
  return candidates.some((each) => each.id !== id && each.standing === 'unknown')
    ? []
    : [refusal('SNAPSHOT_LAST_GOOD', `no good snapshot is known, and ${id} may be all that there is`)];
}
