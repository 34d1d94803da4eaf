import { Cron } from 'croner';

export type ScheduleAction = 'save' | 'drill';

export interface Schedule {
  readonly name: string;
  /** Five fields, or six with seconds first. */
  readonly cron: string;
  /** IANA: "Europe/Berlin". */
  readonly timeZone: string;
  /** Each occurrence is put off by less than this, always by the same. */
  readonly jitterMs: number;
  readonly action: ScheduleAction;
  /** Empty: whichever node is best. */
  readonly node: string;
  readonly reason: string;
}

/** What is remembered of a schedule's last run. */
export interface LastRun {
  /** The occurrence that it was for, or the latest of those that it caught up. */
  readonly occurrenceMs: number;
  /** Since it began, or since this run of the program heard of it, by a clock that never jumps. */
  readonly elapsedMs: number;
}

const SECOND_MS = 1_000;

/** Throws where the line or the zone cannot be read. */
export function parseCron(cron: string, timeZone: string): Cron {
  return new Cron(cron, { timezone: timeZone, mode: '5-or-6-parts' });
}

/**
 * When a schedule runs, as a function of nothing but its line, its zone and the moments given. In
 * the hour that summer time skips a fixed time runs at its end; in the hour that comes twice a
 * fixed time runs the first time alone, and one that repeats runs in both.
 */
export class Occurrences {
  readonly #schedule: Pick<Schedule, 'name' | 'jitterMs'>;
  readonly #cron: Cron;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#cron = parseCron(schedule.cron, schedule.timeZone);
  }

  /** The first one after a moment; undefined where there is none any more. */
  after(ms: number): number | undefined {
    return this.#cron.nextRun(new Date(ms))?.getTime();
  }

  /** The last one at a moment or before. */
  atOrBefore(ms: number): number | undefined {
    const second = Math.floor(ms / SECOND_MS) * SECOND_MS;
    return this.#cron.previousRuns(1, new Date(second + SECOND_MS))[0]?.getTime();
  }

  /** When an occurrence is to run: jitter spreads what many clusters would do at once. */
  runsAt(occurrenceMs: number): number {
    const { name, jitterMs } = this.#schedule;
    return jitterMs === 0 ? occurrenceMs : occurrenceMs + (hash(`${name} ${occurrenceMs}`) % jitterMs);
  }

  /** The latest occurrence whose time to run has come. */
  latestDue(nowMs: number): number | undefined {
    let occurrence = this.atOrBefore(nowMs);
    while (occurrence !== undefined && this.runsAt(occurrence) > nowMs) {
      occurrence = this.atOrBefore(occurrence - SECOND_MS);
    }
    return occurrence;
  }
}

export type Due =
  | { readonly kind: 'run'; readonly occurrenceMs: number }
  /** Not yet; look again then, or before. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** The last run is of a future that a wrong clock had: go on from here, with nothing to catch up. */
  | { readonly kind: 'rebase'; readonly occurrenceMs: number }
  | { readonly kind: 'never' };

/**
 * What is due. Whatever was missed is caught up by one run, the latest occurrence's. A clock that
 * jumped back runs nothing twice: it is waited for until it is where it was, or until as much time
 * has really passed as lies between two runs; one that was years ahead does not silence a schedule.
 */
export function judgeDue(occurrences: Occurrences, last: LastRun, nowMs: number): Due {
  const due = occurrences.latestDue(nowMs);
  if (due !== undefined && due > last.occurrenceMs) return { kind: 'run', occurrenceMs: due };
  const next = occurrences.after(last.occurrenceMs);
  const nextByClock = occurrences.after(nowMs);
  if (next === undefined || nextByClock === undefined) return { kind: 'never' };
  // Where the very next occurrence is the one that ran, it is a small step back.
  if (nextByClock < last.occurrenceMs) {
    const leftMs = next - last.occurrenceMs - last.elapsedMs;
    if (leftMs > 0) return { kind: 'wait', untilMs: nowMs + leftMs };
    return { kind: 'rebase', occurrenceMs: due ?? nowMs };
  }
  return { kind: 'wait', untilMs: occurrences.runsAt(next) };
}

/** FNV-1a, 32 bits: spreads, and is the same on every machine. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  }
  return value;
}
