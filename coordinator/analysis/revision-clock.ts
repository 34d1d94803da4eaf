import type { Evidence, Row } from '@lockstep/shared/evidence/evidence.ts';
import type { JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';
import { authorship, type Stamp } from './authorship.ts';
import type { ObjectDecoder } from './live.ts';
import { placeOf } from './resource-name.ts';

/** A revision whose time is told by the object that was written with it. */
export interface TimedRevision {
  readonly revision: number;
  readonly timeMs: number;
}

/** Between which neighbours a revision lies that says no time itself; a side is absent where none was found. */
export interface Interval {
  readonly after?: TimedRevision;
  readonly before?: TimedRevision;
}

/** Not before the last that is known of the same key, whatever else was written around it. */
export function notBefore(interval: Interval, known: TimedRevision | undefined): Interval {
  if (known === undefined || (interval.after?.timeMs ?? Number.NEGATIVE_INFINITY) >= known.timeMs)
    return interval;
  return { ...interval, after: known };
}

/** Neighbours that are tried, on each side, before a side is given up. */
const TRIED = 16;

interface Place {
  readonly main: number;
  readonly sub: number;
  readonly key: string;
}

/**
 * Times of revisions by what was written just before and just after them: an object that began, a
 * lease that was renewed. These times are set by the API server or by the holder of the lease, not
 * by etcd: they are as good as those clocks.
 */
export function intervalsOf(
  evidence: Evidence,
  decoder: ObjectDecoder,
  revisions: readonly number[],
): Map<number, Interval> {
  const wanted = [...new Set(revisions)].sort((a, b) => a - b);
  const around = neighbours(evidence, wanted);
  return new Map(
    wanted.map((revision) => {
      const { before, after } = around.get(revision)!;
      const earlier = firstTimed(evidence, decoder, before.toReversed());
      const later = firstTimed(evidence, decoder, after);
      return [
        revision,
        {
          ...(earlier === undefined ? {} : { after: earlier }),
          ...(later === undefined ? {} : { before: later }),
        },
      ];
    }),
  );
}

function neighbours(
  evidence: Evidence,
  wanted: readonly number[],
): Map<number, { before: readonly Place[]; after: Place[] }> {
  const around = new Map<number, { before: readonly Place[]; after: Place[] }>();
  const { registryPrefix } = evidence.facts;
  const open: { revision: number; after: Place[] }[] = [];
  const recent: Place[] = [];
  let next = 0;
  const reach = (revision: number): void => {
    while (next < wanted.length && wanted[next]! <= revision) {
      const after: Place[] = [];
      around.set(wanted[next]!, { before: [...recent], after });
      open.push({ revision: wanted[next]!, after });
      next++;
    }
  };
  evidence.rows((row) => {
    reach(row.main);
    if (open.length === 0 && next === wanted.length) return;
    if (!mayTell(row, registryPrefix)) return;
    const place = { main: row.main, sub: row.sub, key: row.key };
    for (const one of open) if (row.main > one.revision) one.after.push(place);
    while (open.length > 0 && open[0]!.after.length >= TRIED) open.shift();
    recent.push(place);
    if (recent.length > TRIED) recent.shift();
  });
  reach(Number.POSITIVE_INFINITY);
  return around;
}

/** What began with this row, and leases: their time is that of the write. */
function mayTell(row: Row, registryPrefix: string): boolean {
  if (row.deleted || !row.key.startsWith(`${registryPrefix}/`)) return false;
  return row.createRevision === row.main || row.key.startsWith(`${registryPrefix}/leases/`);
}

function firstTimed(
  evidence: Evidence,
  decoder: ObjectDecoder,
  places: readonly Place[],
): TimedRevision | undefined {
  for (const { main, sub, key } of places) {
    const value = evidence.value(main, sub);
    if (value === undefined) continue;
    const decoded = decoder.decode(value, { key, modRevision: main });
    if (decoded.form !== 'object') continue;
    const stamp = clockStamp(decoded.object, placeOf(key, evidence.facts.registryPrefix).resource);
    if (stamp !== undefined) return { revision: main, timeMs: stamp.timeMs };
  }
  return undefined;
}

/** The time of a write that cannot be long before it, of an object that began or a lease. */
export function clockStamp(object: JsonObject, resource: string): Stamp | undefined {
  // An event may be written long after what it tells of; its object's own time is that of the write.
  if (resource.startsWith('events')) return authorship({ ...object, kind: '' }, { created: true }).stamp;
  return authorship(object, { created: true }).stamp;
}
