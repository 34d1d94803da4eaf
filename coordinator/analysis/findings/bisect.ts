import type { Finding, FoundObject } from './finding.ts';

/** One snapshot, looked at. */
export interface Looked {
  readonly file: string;
  readonly revision: number;
  /** When it was taken, by its card; undefined where it has none. */
  readonly takenAtMs: number | undefined;
  readonly findings: readonly Finding[];
  /** Things that could not be looked into. */
  readonly unread: number;
}

/** A snapshot that could not be read at all. */
export interface Unreadable {
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

export interface Bisection {
  /** In order of time. */
  readonly snapshots: readonly Looked[];
  /** The newest of those before which, and in which, nothing was found; undefined where the first one is not clean. */
  readonly lastClean: Looked | undefined;
  readonly firstUnclean: Looked | undefined;
  /** What ended cleanness, earliest first. */
  readonly ended: readonly Finding[];
  /** Nothing is found in these, and something was in one before: what was done was undone, or its traces are gone. */
  readonly cleanAgain: readonly Looked[];
}

/**
 * Every snapshot is looked at, not every second one: what an intruder did and undid again makes a
 * clean snapshot after an unclean one, and halving would take that for the last clean one.
 */
export function bisect(looked: readonly Looked[]): Bisection {
  const snapshots = [...looked].sort(inTime);
  const unclean = snapshots.findIndex(({ findings }) => findings.length > 0);
  const first = unclean < 0 ? undefined : snapshots[unclean];
  return {
    snapshots,
    lastClean: unclean < 0 ? snapshots.at(-1) : snapshots[unclean - 1],
    firstUnclean: first,
    ended: [...(first?.findings ?? [])].sort((a, b) => a.sinceRevision - b.sinceRevision),
    cleanAgain: unclean < 0 ? [] : snapshots.slice(unclean).filter(({ findings }) => findings.length === 0),
  };
}

/** By when they were taken where both say it: a restore can take the revision back. Else by revision. */
function inTime(a: Looked, b: Looked): number {
  if (a.takenAtMs !== undefined && b.takenAtMs !== undefined && a.takenAtMs !== b.takenAtMs) {
    return a.takenAtMs - b.takenAtMs;
  }
  return a.revision - b.revision;
}

/** The object that shows the finding first. */
export function earliestObject({ objects, sinceRevision }: Finding): FoundObject {
  return (
    objects.find(({ traits }) => traits.some((trait) => trait.sinceRevision === sinceRevision)) ?? objects[0]!
  );
}
