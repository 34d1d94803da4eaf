import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeDue, Occurrences, parseCron, type Schedule } from './schedule.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const scheduleOf = (cron: string, fields: Partial<Schedule> = {}): Occurrences =>
  new Occurrences({
    name: 'nightly',
    cron,
    timeZone: 'UTC',
    jitterMs: 0,
    action: 'save',
    node: '',
    reason: '',
    ...fields,
  });

function next(occurrences: Occurrences, from: string, count: number): string[] {
  const found: string[] = [];
  let at = Date.parse(from);
  while (found.length < count) {
    const occurrence = occurrences.after(at);
    if (occurrence === undefined) break;
    at = occurrence;
    found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'));
  }
  return found;
}

describe('occurrences', () => {
  it.each<[string, string, string, string, string[]]>([
    [
      'in the hour that summer time skips a fixed time runs at its end',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T02:00:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ],
    [
      'in the hour that comes twice a fixed time runs the first time alone',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T02:00:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'one that repeats loses nothing where an hour is skipped',
      '0 * * * *',
      'Europe/Berlin',
      '2026-03-28T23:30:00Z',
      ['2026-03-29T00:00Z', '2026-03-29T01:00Z', '2026-03-29T02:00Z'],
    ],
    [
      'and runs in both of the hours that come twice',
      '15 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:30:00Z',
      ['2026-10-25T00:15Z', '2026-10-25T01:15Z', '2026-10-25T02:15Z'],
    ],
    [
      'where clocks skip half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-02T20:00:00Z',
      ['2026-10-03T15:30Z', '2026-10-04T15:15Z'],
    ],
    [
      'where half an hour comes twice',
      '45 1 * * *',
      'Australia/Lord_Howe',
      '2026-04-03T20:00:00Z',
      ['2026-04-04T14:45Z', '2026-04-05T15:15Z'],
    ],
    [
      'and every quarter of it',
      '*/15 * * * *',
      'Australia/Lord_Howe',
      '2026-04-04T14:40:00Z',
      ['2026-04-04T14:45Z', '2026-04-04T15:00Z', '2026-04-04T15:15Z', '2026-04-04T15:30Z'],
    ],
  ])('%s', (_, cron, timeZone, from, expected) => {
    expect(next(scheduleOf(cron, { timeZone }), from, expected.length)).toEqual(expected);
  });

  it('is the same forwards and backwards, across every change', () => {
    for (const timeZone of ['Europe/Berlin', 'Australia/Lord_Howe', 'UTC']) {
      const occurrences = scheduleOf('30 1,2,3 * * *', { timeZone });
      for (const month of ['03-25', '04-01', '10-01', '10-22']) {
        let at = Date.parse(`2026-${month}T00:00:00Z`);
        for (let count = 0; count < 30; count += 1) {
          const following = occurrences.after(at) as number;
          expect(occurrences.atOrBefore(following)).toBe(following);
          expect(occurrences.after(occurrences.atOrBefore(following - 1) as number)).toBe(following);
          at = following;
        }
      }
    }
  });

  it('puts each off by less than the jitter, and always by the same', () => {
    const jittered = scheduleOf('0 * * * *', { jitterMs: 10 * MINUTE_MS });
    const again = scheduleOf('0 * * * *', { jitterMs: 10 * MINUTE_MS });
    const other = scheduleOf('0 * * * *', { jitterMs: 10 * MINUTE_MS, name: 'other' });
    const hours = Array.from({ length: 200 }, (_, hour) => hour * HOUR_MS);
    const delays = hours.map((at) => jittered.runsAt(at) - at);
    expect(hours.map((at) => again.runsAt(at) - at)).toEqual(delays);
    expect(hours.map((at) => other.runsAt(at) - at)).not.toEqual(delays);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThan(10 * MINUTE_MS);
    expect(new Set(delays).size).toBeGreaterThan(150);
  });

  it('refuses a line and a zone that say nothing', () => {
    expect(() => parseCron('61 * * * *', 'UTC')).toThrow('61');
    expect(() => parseCron('0 0 * *', 'UTC')).toThrow('parts');
    expect(() => parseCron('0 0 * * *', 'Europe/Nowhere').nextRun(new Date(0))).toThrow('Nowhere');
  });
});

describe('what is due', () => {
  const hourly = scheduleOf('0 * * * *');
  const at = (text: string): number => Date.parse(`2026-11-22T${text}:00Z`);
  const ran = (text: string, elapsedMs = 0) => ({ occurrenceMs: at(text), elapsedMs });

  it.each<[string, ReturnType<typeof ran>, number, object]>([
    ['waits for the next', ran('10:00'), at('10:20'), { kind: 'wait', untilMs: at('11:00') }],
    ['runs at its time', ran('10:00'), at('11:00'), { kind: 'run', occurrenceMs: at('11:00') }],
    ['catches up once, the latest', ran('10:00'), at('15:40'), { kind: 'run', occurrenceMs: at('15:00') }],
    ['waits out a small step back', ran('12:00'), at('11:59'), { kind: 'wait', untilMs: at('13:00') }],
    ['and one that lasts', ran('12:00', 9 * HOUR_MS), at('11:59'), { kind: 'wait', untilMs: at('13:00') }],
    [
      'waits an interval after a large one',
      ran('12:00'),
      at('09:05'),
      { kind: 'wait', untilMs: at('10:05') },
    ],
    [
      'then goes on from there',
      ran('12:00', HOUR_MS),
      at('10:05'),
      { kind: 'rebase', occurrenceMs: at('10:00') },
    ],
  ])('%s', (_, last, nowMs, expected) => {
    expect(judgeDue(hourly, last, nowMs)).toEqual(expected);
  });

  it('is never anything of a line that no day fits', () => {
    const never = scheduleOf('0 0 31 2 *');
    expect(judgeDue(never, ran('10:00'), at('11:00'))).toEqual({ kind: 'never' });
  });

  it('waits for its jitter, and does not forget it over the occurrence before', () => {
    const jittered = scheduleOf('0 * * * *', { jitterMs: 30 * MINUTE_MS });
    const runsMs = jittered.runsAt(at('11:00'));
    expect(judgeDue(jittered, ran('10:00'), runsMs - 1)).toEqual({ kind: 'wait', untilMs: runsMs });
    expect(judgeDue(jittered, ran('10:00'), runsMs)).toEqual({ kind: 'run', occurrenceMs: at('11:00') });
    expect(judgeDue(jittered, ran('09:00'), runsMs - 1)).toEqual({ kind: 'run', occurrenceMs: at('10:00') });
  });

  it('runs no more often than time passes, whatever the clock does, and never falls silent', () => {
    const jump = fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: -300, max: -1 }) },
      { weight: 1, arbitrary: fc.integer({ min: -100_000, max: -1 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 300 }) },
    );
    fc.assert(
      fc.property(fc.array(jump, { minLength: 1, maxLength: 30, size: 'max' }), (jumps) => {
        let [clockMs, realMs] = [at('10:30'), 0];
        let last = { occurrenceMs: at('10:00'), ranAtMs: 0 };
        let runs = 0;
        const look = (): void => {
          const memory = { occurrenceMs: last.occurrenceMs, elapsedMs: realMs - last.ranAtMs };
          const due = judgeDue(hourly, memory, clockMs);
          if (due.kind === 'rebase') last = { ...last, occurrenceMs: due.occurrenceMs };
          if (due.kind !== 'run') return;
          last = { occurrenceMs: due.occurrenceMs, ranAtMs: realMs };
          runs += 1;
        };
        const pass = (): void => {
          clockMs += 10 * MINUTE_MS;
          realMs += 10 * MINUTE_MS;
          look();
        };
        for (const minutes of jumps) {
          clockMs += minutes * MINUTE_MS;
          look();
          pass();
        }
        // A leap ahead is caught up by one run, and may land just before the next full hour.
        const ahead = jumps.filter((minutes) => minutes > 0).length;
        expect(runs).toBeLessThanOrEqual(Math.floor(realMs / HOUR_MS) + 1 + 2 * ahead);
        // With a clock that is right from now on it is heard of again, as often as it should be.
        const before = runs;
        for (let step = 0; step < 6 * 12; step += 1) pass();
        expect(runs - before).toBeGreaterThanOrEqual(9);
        expect(runs - before).toBeLessThanOrEqual(13);
      }),
      { numRuns: 20 },
    );
  }, 30_000);
});
