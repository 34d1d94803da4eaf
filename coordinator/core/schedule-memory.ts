import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { CatalogueEntry } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Occurrences, Schedule } from './schedule.ts';

/** On the card of a snapshot that a schedule took: a coordinator that lost everything finds it there. */
export function reasonOf({ name, reason }: Pick<Schedule, 'name' | 'reason'>): string {
  return reason === '' ? `schedule ${name}` : `schedule ${name}: ${reason}`;
}

/** What the catalogue shows of a run. */
export interface ShownRun {
  readonly atMs: number;
  readonly snapshotId: string;
  /** What a drill found; left out where it is good. */
  readonly failure?: Failure;
}

/** When a schedule last did what it is for, as the catalogue shows; undefined where it never did. */
export function lastInCatalogue(
  schedule: Pick<Schedule, 'name' | 'action'>,
  entries: readonly CatalogueEntry[],
): ShownRun | undefined {
  const found = entries.flatMap(({ card, marks }): ShownRun[] => {
    const snapshotId = card?.id ?? '';
    if (schedule.action === 'save') {
      return isReasonOf(schedule.name, card?.reason ?? '')
        ? [{ atMs: Date.parse(card?.takenAt ?? ''), snapshotId }]
        : [];
    }
    // A proof does not say who asked for it: any drill will do.
    return (marks?.proofs ?? [])
      .filter(({ kind }) => kind === ProofKind.PROOF_KIND_DRILL)
      .map(({ at, failure }) => ({ atMs: Date.parse(at), snapshotId, ...(failure && { failure }) }));
  });
  return found
    .filter(({ atMs }) => !Number.isNaN(atMs))
    .reduce<ShownRun | undefined>(
      (last, each) => (last === undefined || each.atMs > last.atMs ? each : last),
      undefined,
    );
}

function isReasonOf(name: string, reason: string): boolean {
  return reason === `schedule ${name}` || reason.startsWith(`schedule ${name}: `);
}

/** What is remembered of a run, by a file or a catalogue. */
export interface RememberedRun {
  readonly occurrenceMs: number;
  readonly startedMs: number;
  readonly endedMs: number | undefined;
  readonly attempt: number;
}

/** An occurrence that was interrupted is begun once more, and no more than once. */
export const MAX_ATTEMPTS = 2;

export type Recalled =
  | { readonly kind: 'fresh'; readonly occurrenceMs: number }
  /** The file's own, or what the catalogue shows where that is later. */
  | { readonly kind: 'file' }
  | ({ readonly kind: 'catalogue'; readonly occurrenceMs: number } & ShownRun)
  /** Begun and not known to have ended: caught up once. */
  | { readonly kind: 'interrupted'; readonly occurrenceMs: number };

/** Where a coordinator goes on that has just begun to lead. */
export function recall(
  occurrences: Occurrences,
  file: RememberedRun | undefined,
  shown: ShownRun | undefined,
  nowMs: number,
): Recalled {
  const shownOccurrence =
    shown === undefined ? undefined : (occurrences.atOrBefore(shown.atMs) ?? shown.atMs);
  if (file === undefined) {
    if (shown !== undefined && shownOccurrence !== undefined) {
      return { kind: 'catalogue', occurrenceMs: shownOccurrence, ...shown };
    }
    return { kind: 'fresh', occurrenceMs: occurrences.atOrBefore(nowMs) ?? nowMs };
  }
  const isLater = shownOccurrence !== undefined && shownOccurrence > file.occurrenceMs;
  const isItsEnd = file.endedMs === undefined && shown !== undefined && shown.atMs >= file.startedMs;
  if (shown !== undefined && (isLater || isItsEnd)) {
    const occurrenceMs = Math.max(shownOccurrence ?? 0, file.occurrenceMs);
    return { kind: 'catalogue', occurrenceMs, ...shown };
  }
  if (file.endedMs === undefined && file.attempt < MAX_ATTEMPTS) {
    return { kind: 'interrupted', occurrenceMs: occurrences.atOrBefore(file.occurrenceMs - 1) ?? 0 };
  }
  return { kind: 'file' };
}
