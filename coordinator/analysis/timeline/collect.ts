import type { CarvedRow, Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { EarlierVersions } from '../earlier-versions.ts';
import type { ObjectDecoder } from '../live.ts';
import { isHeartbeat } from '../noise.ts';
import { placeOf } from '../resource-name.ts';
import { clockStamp, type Interval, intervalsOf, notBefore, type TimedRevision } from '../revision-clock.ts';
import { earliestMs, type Fact } from './fact.ts';
import { factsOfVersion, type Told } from './of-version.ts';

export interface CollectOptions {
  /** Also heartbeats and what changes by itself. */
  readonly all: boolean;
}

/** How much was left out as noise. */
export interface Collected {
  heartbeats: number;
}

/** Everything that a store tells of what happened in it, in no order. */
export function collectFacts(
  evidence: Evidence,
  decoder: ObjectDecoder,
  { all }: CollectOptions,
  tell: (fact: Fact) => void,
): Collected {
  const collected: Collected = { heartbeats: 0 };
  const { registryPrefix } = evidence.facts;
  const clock = new Clock(tell);
  const before = new EarlierVersions(evidence, decoder);
  evidence.rows((row) => {
    const { key, main } = row;
    const place = placeOf(key, registryPrefix);
    // Keys that are no object's: a compaction's mark, which says nothing of when.
    if (place.resource === '') return;
    const common = { key, ...place, revision: main, file: evidence.path };
    if (row.deleted) {
      clock.tell({ ...common, ...DELETED, source: 'tombstone' }, before.timeOf(row));
      return before.forget(row);
    }
    const decoded = decoder.decode(row.value, { key, modRevision: main });
    const created = row.createRevision === main;
    if (decoded.form === 'object' && (created || place.resource === 'leases.coordination.k8s.io')) {
      const stamp = clockStamp(decoded.object, place.resource);
      if (stamp !== undefined) clock.tick({ revision: main, timeMs: stamp.timeMs });
    }
    if (!created && !all && isHeartbeat(place.resource)) collected.heartbeats++;
    else {
      const told = factsOfVersion(decoded, {
        created,
        resource: place.resource,
        all,
        before: () => before.of(row),
      });
      if (told.length === 0) collected.heartbeats++;
      for (const one of told) clock.tell({ ...common, ...one, revision: one.revision ?? main });
    }
    before.keep(row);
  });
  clock.end();
  carvedFacts(evidence, decoder, all, tell);
  return collected;
}

const DELETED = { what: 'deleted', tool: '', operation: '', user: '', detail: '' } as const;

/** Gives what says no time of its own the interval between its neighbours. */
class Clock {
  readonly #tell: (fact: Fact) => void;
  #last: TimedRevision | undefined;
  #waiting: Fact[] = [];

  constructor(tell: (fact: Fact) => void) {
    this.#tell = tell;
  }

  /** `known`: the last that is known of the same key. */
  tell(fact: Fact, known?: TimedRevision): void {
    if (fact.timeMs !== undefined) return this.#tell(fact);
    const interval = notBefore(this.#last === undefined ? {} : { after: this.#last }, known);
    this.#waiting.push({ ...fact, interval });
  }

  tick(now: TimedRevision): void {
    for (const fact of this.#waiting) {
      // The neighbour in the same transaction is no later one.
      const before = now.revision > fact.revision ? { before: now } : {};
      this.#tell({ ...fact, interval: { ...fact.interval, ...before } });
    }
    this.#waiting = [];
    this.#last = now;
  }

  end(): void {
    for (const fact of this.#waiting) this.#tell(fact);
    this.#waiting = [];
  }
}

/** What free pages still hold, told as such. */
function carvedFacts(
  evidence: Evidence,
  decoder: ObjectDecoder,
  all: boolean,
  tell: (fact: Fact) => void,
): void {
  const untimed: Fact[] = [];
  const { registryPrefix } = evidence.facts;
  const seen = new Set<string>();
  evidence.carved((row: CarvedRow) => {
    const { key, main, sub } = row;
    const place = placeOf(key, registryPrefix);
    const id = `${main}_${sub}`;
    if (place.resource === '' || (!all && isHeartbeat(place.resource))) return;
    // A copy of a row that the store itself still shows is nothing carved.
    if (seen.has(id) || evidence.value(main, sub) !== undefined) return;
    seen.add(id);
    const common = { key, ...place, file: evidence.path };
    const told: readonly Told[] = row.deleted
      ? [{ ...DELETED, source: 'carved' }]
      : factsOfVersion(decoder.decode(row.value, { key, modRevision: main }), {
          created: row.createRevision === main,
          resource: place.resource,
          all,
          before: () => undefined,
        });
    for (const one of told) {
      const fact: Fact = {
        ...common,
        ...one,
        source: 'carved',
        revision: one.revision ?? main,
        detail: [one.detail, row.page === 0 ? 'in the row that replaced it' : `in free page ${row.page}`]
          .filter(Boolean)
          .join('; '),
      };
      if (earliestMs(fact) === undefined) untimed.push(fact);
      else tell(fact);
    }
  });
  const intervals: ReadonlyMap<number, Interval> =
    untimed.length === 0
      ? new Map()
      : intervalsOf(
          evidence,
          decoder,
          untimed.map(({ revision }) => revision),
        );
  for (const fact of untimed) {
    const interval = intervals.get(fact.revision);
    tell(interval === undefined ? fact : { ...fact, interval });
  }
}
