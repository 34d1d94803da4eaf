import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  CatalogueEntry,
  SnapshotCard,
  SnapshotMarks,
  StoredCopy,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { mergeMarks } from '@lockstep/shared/marks.ts';
import { judgeStanding } from './standing.ts';

/** A copy as a store lists it. */
export interface ListedCopy {
  readonly copy: StoredCopy;
  readonly card: SnapshotCard | undefined;
  readonly marks: SnapshotMarks | undefined;
  /** Empty where its card is sealed by two trusted signers. */
  readonly distrust: readonly Refusal[];
}

/** Every snapshot once, over all the places that hold it, newest first. */
export function buildCatalogue(
  held: readonly StoredSnapshot[],
  copies: readonly ListedCopy[],
): CatalogueEntry[] {
  const found = new Map<string, { held: StoredSnapshot[]; copies: ListedCopy[] }>();
  const of = (id: string): { held: StoredSnapshot[]; copies: ListedCopy[] } => {
    const entry = found.get(id) ?? { held: [], copies: [] };
    found.set(id, entry);
    return entry;
  };
  for (const each of held) if (each.card !== undefined) of(each.card.id).held.push(each);
  for (const each of copies) of(each.copy.snapshotId).copies.push(each);
  return [...found]
    .map(([id, each]) => entryOf(id, each.held, each.copies))
    .filter((entry) => entry !== undefined)
    .sort(newestFirst);
}

function entryOf(
  id: string,
  held: readonly StoredSnapshot[],
  copies: readonly ListedCopy[],
): CatalogueEntry | undefined {
  const sorted = held.toSorted((a, b) => compareText(a.node, b.node));
  const listed = copies.toSorted((a, b) => compareText(a.copy.store, b.copy.store));
  // A card that is trusted speaks for the snapshot before one that is not.
  const trusted = [
    ...sorted.filter(({ trust }) => (trust?.distrust.length ?? 0) === 0),
    ...listed.filter(({ distrust }) => distrust.length === 0),
  ].find(({ card }) => card !== undefined);
  const card = (trusted ?? [...sorted, ...listed].find((each) => each.card !== undefined))?.card;
  if (card === undefined) return undefined;
  const distrust =
    trusted === undefined
      ? [...sorted.flatMap(({ trust }) => trust?.distrust ?? []), ...listed.flatMap((each) => each.distrust)]
      : [];
  const unlike = [...sorted, ...listed].some(
    (each) => each.card !== undefined && each.card.facts?.fileSha256 !== card.facts?.fileSha256,
  );
  if (unlike) {
    distrust.push(refusal('SNAPSHOT_CARD_MISMATCH', `the places that hold ${id} have different cards of it`));
  }
  const entry = {
    card: withoutSamples(card),
    distrust: distinct(distrust),
    // One card speaks for all: hundreds of entries travel in one message.
    held: sorted.map((each) => ({ ...each, card: undefined, sealed: undefined, marks: undefined })),
    copies: listed.map(({ copy }) => copy),
    marks: mergeMarks(id, ...sorted.map(({ marks }) => marks), ...listed.map(({ marks }) => marks)),
  };
  const { standing, reason } = judgeStanding(entry);
  return { ...entry, standing, standingReason: reason };
}

/** Sample values are there for the agents to open, not for a list. */
function withoutSamples(card: SnapshotCard): SnapshotCard {
  if (card.facts === undefined) return card;
  const encryption = card.facts.encryption.map((use) => ({ ...use, sampleValue: Buffer.alloc(0) }));
  return { ...card, facts: { ...card.facts, encryption } };
}

function distinct(refusals: readonly Refusal[]): Refusal[] {
  return [...new Map(refusals.map((each) => [`${each.code} ${each.message}`, each])).values()];
}

function newestFirst(a: CatalogueEntry, b: CatalogueEntry): number {
  const [left, right] = [Date.parse(a.card?.takenAt ?? '') || 0, Date.parse(b.card?.takenAt ?? '') || 0];
  return right - left || compareText(b.card?.id ?? '', a.card?.id ?? '');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
