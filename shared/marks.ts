import type { Pin } from './generated/lockstep/v1/snapshot.ts';
import { Proof, SnapshotMarks } from './generated/lockstep/v1/snapshot.ts';

/** Of one kind at one place: the newest are what anybody asks for, and drills go on for years. */
export const MAX_PROOFS_PER_PLACE = 50;

/**
 * What several copies know of one snapshot, as one: commutative, associative and idempotent, so
 * that it does not matter which copy heard what first. Nothing is forgotten by it but old proofs;
 * a pin that was taken off anywhere is off.
 */
export function mergeMarks(
  snapshotId: string,
  ...all: readonly (SnapshotMarks | undefined)[]
): SnapshotMarks {
  const known = all.filter((marks) => marks !== undefined);
  return {
    snapshotId,
    pins: mergePins(known.flatMap(({ pins }) => pins)),
    proofs: mergeProofs(known.flatMap(({ proofs }) => proofs)),
  };
}

/** Pins that are on. */
export function pinsOn(marks: SnapshotMarks | undefined): Pin[] {
  return (marks?.pins ?? []).filter(({ removedAt }) => removedAt === '');
}

function mergePins(pins: readonly Pin[]): Pin[] {
  const merged = new Map<string, Pin>();
  for (const pin of pins) {
    const key = JSON.stringify([pin.at, pin.by, pin.reason, pin.evidence]);
    const before = merged.get(key);
    merged.set(key, {
      ...pin,
      removedAt: before === undefined ? pin.removedAt : earlier(before.removedAt, pin.removedAt),
    });
  }
  return sorted(merged);
}

/** Of two times at which a pin was taken off; empty stands for never. */
function earlier(a: string, b: string): string {
  if (a === '' || b === '') return a || b;
  return a < b ? a : b;
}

function mergeProofs(proofs: readonly Proof[]): Proof[] {
  const distinct = new Map(proofs.map((proof) => [keyOf(proof), proof]));
  const kept = new Map<string, Proof>();
  const counts = new Map<string, number>();
  for (const [key, proof] of [...distinct].sort(byKey).reverse()) {
    const where = JSON.stringify([proof.kind, proof.place]);
    const count = (counts.get(where) ?? 0) + 1;
    counts.set(where, count);
    if (count <= MAX_PROOFS_PER_PLACE) kept.set(key, proof);
  }
  return sorted(kept);
}

/** Its time first, then all of it: sorts oldest first, and two differ where their proofs do. */
function keyOf(proof: Proof): string {
  return JSON.stringify([proof.at, Proof.toJSON(proof)]);
}

function sorted<Mark>(marks: ReadonlyMap<string, Mark>): Mark[] {
  return [...marks].sort(byKey).map(([, mark]) => mark);
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As it lies beside a copy. */
export function marksToText(marks: SnapshotMarks): string {
  return `${JSON.stringify(SnapshotMarks.toJSON(marks), null, 2)}\n`;
}

/** Throws where the text holds no marks. */
export function marksFromText(text: string): SnapshotMarks {
  return SnapshotMarks.fromJSON(JSON.parse(text));
}
