import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarOf, type Period } from './calendar.ts';
import {
  decideRetention,
  lastGood,
  policyWords,
  type RetentionCandidate,
  type RetentionPolicy,
} from './retention.ts';
import type { Standing } from './standing.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-03-20T00:00:00Z');

const policyOf = (fields: Partial<RetentionPolicy>): RetentionPolicy => ({
  keepLast: 0,
  hourly: 0,
  daily: 0,
  weekly: 0,
  monthly: 0,
  minAgeMs: 0,
  timeZone: 'UTC',
  ...fields,
});

const somePolicy: fc.Arbitrary<RetentionPolicy> = fc.record({
  keepLast: fc.nat({ max: 3 }),
  hourly: fc.nat({ max: 4 }),
  daily: fc.nat({ max: 3 }),
  weekly: fc.nat({ max: 2 }),
  monthly: fc.nat({ max: 2 }),
  minAgeMs: fc.constantFrom(0, HOUR_MS, 30 * HOUR_MS),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
});

const someStanding = fc.constantFrom<Standing>('good', 'good', 'good', 'bad', 'unknown');

const someCandidates: fc.Arbitrary<RetentionCandidate[]> = fc
  .array(
    fc.record({
      takenMs: fc.nat({ max: 60 * 24 * 4 }).map((quarter) => START_MS + quarter * (HOUR_MS / 4)),
      revision: fc.bigInt(1n, 50n),
      appliedIndex: fc.bigInt(1n, 5n),
      standing: someStanding,
      protectedFor: fc.constantFrom<string[]>([], [], [], [], ['pinned by alice: audit']),
    }),
    { maxLength: 40 },
  )
  .map((some) => some.map((each, index) => ({ ...each, id: `s-${index}` })));

const someNow = fc.nat({ max: 80 * 24 }).map((hour) => START_MS + hour * HOUR_MS);

const calendars = new Map(
  ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe'].map((zone) => [zone, calendarOf(zone)]),
);

function deleted(
  policy: RetentionPolicy,
  candidates: readonly RetentionCandidate[],
  nowMs: number,
): Set<string> {
  return new Set(
    decideRetention(policy, candidates, nowMs, calendars.get(policy.timeZone))
      .filter(({ deletedFor }) => deletedFor !== '')
      .map(({ id }) => id),
  );
}

/** A cluster's life as it happens: what is saved, what is found out, what clocks do, and pruning all along. */
type Happening =
  | { readonly kind: 'save'; readonly clockMs: number; readonly writes: number }
  | { readonly kind: 'judge'; readonly which: number; readonly standing: Standing }
  | { readonly kind: 'pin' | 'unpin'; readonly which: number }
  | { readonly kind: 'prune'; readonly clockMs: number };

const someClock = fc.nat({ max: 40 * 24 * 4 }).map((quarter) => START_MS + quarter * (HOUR_MS / 4));
/** Mostly after everything that was taken: else all of it is of the future, and stays. */
const somePruningClock = fc.oneof(
  { weight: 4, arbitrary: fc.constant(START_MS + 60 * 24 * HOUR_MS) },
  { weight: 1, arbitrary: someClock },
);
const someHappening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('save' as const),
      clockMs: someClock,
      writes: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('judge' as const), which: fc.nat(), standing: someStanding }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('pin' as const, 'unpin' as const), which: fc.nat() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('prune' as const), clockMs: somePruningClock }) },
);

describe('retention', () => {
  it('never deletes the last good one, nor a pinned one, whatever happens in whatever order', () => {
    let deletions = 0;
    fc.assert(
      fc.property(somePolicy, fc.array(someHappening, { maxLength: 60, size: 'max' }), (policy, life) => {
        // In the order in which they were really taken, whatever their clocks said.
        let there: RetentionCandidate[] = [];
        let revision = 1n;
        let appliedIndex = 1n;
        let count = 0;
        // The last good one, a pinned one, or any where none is good.
        const wronglyDeleted: RetentionCandidate[] = [];
        for (const happening of life) {
          switch (happening.kind) {
            case 'save':
              revision += BigInt(happening.writes);
              // Raft goes on where nothing is written.
              appliedIndex += 1n;
              there.push({
                id: `s-${count++}`,
                takenMs: happening.clockMs,
                revision,
                appliedIndex,
                standing: 'good',
                protectedFor: [],
              });
              break;
            case 'judge':
              there = there.map((each, index) =>
                index === happening.which % there.length ? { ...each, standing: happening.standing } : each,
              );
              break;
            case 'pin':
            case 'unpin':
              there = there.map((each, index) =>
                index === happening.which % there.length
                  ? { ...each, protectedFor: happening.kind === 'pin' ? ['pinned'] : [] }
                  : each,
              );
              break;
            case 'prune': {
              const last = there.findLast(({ standing }) => standing === 'good');
              const gone = deleted(policy, there, happening.clockMs);
              deletions += gone.size;
              const wrong = there.filter(
                ({ id, protectedFor }) =>
                  gone.has(id) && (last === undefined || id === last.id || protectedFor.length > 0),
              );
              wronglyDeleted.push(...wrong);
              there = there.filter(({ id }) => !gone.has(id));
            }
          }
        }
        expect(wronglyDeleted).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
    // A property that deletes nothing would hold as well.
    expect(deletions).toBeGreaterThan(4_000);
  }, 120_000);

  it('deletes nothing more when it decides again', () => {
    fc.assert(
      fc.property(somePolicy, someCandidates, someNow, (policy, candidates, nowMs) => {
        const gone = deleted(policy, candidates, nowMs);
        const left = candidates.filter(({ id }) => !gone.has(id));
        expect([...deleted(policy, left, nowMs)]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('lets more go as time passes, never less', () => {
    fc.assert(
      fc.property(somePolicy, someCandidates, someNow, someNow, (policy, candidates, a, b) => {
        const [before, after] = [Math.min(a, b), Math.max(a, b)];
        const later = deleted(policy, candidates, after);
        for (const id of deleted(policy, candidates, before)) expect(later.has(id)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps as many as a naive count says, and says why of each', () => {
    const counted = somePolicy.map((policy) => ({ ...policy, minAgeMs: 0 }));
    fc.assert(
      fc.property(counted, someCandidates, (policy, some) => {
        const nowMs = START_MS + 100 * 24 * HOUR_MS;
        const candidates = some.map((each) => ({ ...each, protectedFor: [] }));
        const decisions = decideRetention(policy, candidates, nowMs);
        expect(
          decisions.filter(({ keptFor, deletedFor }) => keptFor.length > 0 === (deletedFor !== '')),
        ).toEqual([]);
        const good = candidates.filter(({ standing }) => standing === 'good');
        const kept = new Set(decisions.filter(({ deletedFor }) => deletedFor === '').map(({ id }) => id));
        const keptGood = good.filter(({ id }) => kept.has(id)).map(({ id }) => id);
        expect(keptGood.sort()).toEqual([...naive(policy, good, nowMs)].sort());
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the newest of each period, and a bad one takes no place', () => {
    const at = (text: string, standing: Standing = 'good'): RetentionCandidate => ({
      id: text,
      takenMs: Date.parse(text),
      revision: BigInt(Date.parse(text)),
      appliedIndex: 0n,
      standing,
      protectedFor: [],
    });
    const candidates = [
      at('2026-11-22T10:00:00Z'),
      at('2026-11-22T18:00:00Z'),
      at('2026-11-22T20:00:00Z', 'bad'),
      at('2026-11-21T20:00:00Z'),
      at('2026-11-20T20:00:00Z'),
      at('2026-11-20T21:00:00Z', 'unknown'),
      at('2026-11-19T21:00:00Z', 'bad'),
    ];
    const decisions = decideRetention(policyOf({ daily: 2 }), candidates, Date.parse('2026-11-23T00:00:00Z'));
    expect(decisions.map(({ id, keptFor, deletedFor }) => [id, keptFor.join(', ') || deletedFor])).toEqual([
      ['2026-11-22T20:00:00Z', 'daily 1 of 2'],
      ['2026-11-22T18:00:00Z', 'last good, daily 1 of 2'],
      ['2026-11-22T10:00:00Z', 'past every period, or not the newest of one'],
      ['2026-11-21T20:00:00Z', 'daily 2 of 2'],
      ['2026-11-20T21:00:00Z', 'not known to be good, and past every period'],
      ['2026-11-20T20:00:00Z', 'past every period, or not the newest of one'],
      ['2026-11-19T21:00:00Z', 'bad, and past every period'],
    ]);
  });

  it('keeps one until it is as old as the minimum age, and one of the future whatever its age', () => {
    const nowMs = START_MS + 10 * HOUR_MS;
    const at = (id: string, takenMs: number, revision: bigint): RetentionCandidate => {
      return { id, takenMs, revision, appliedIndex: 0n, standing: 'good', protectedFor: [] };
    };
    const candidates = [
      at('future', nowMs + 1, 1n),
      at('last', nowMs, 9n),
      at('this moment', nowMs, 2n),
      at('younger', nowMs - HOUR_MS + 1, 2n),
      at('just as old', nowMs - HOUR_MS, 2n),
    ];
    const decisions = decideRetention(policyOf({ minAgeMs: HOUR_MS }), candidates, nowMs);
    expect(decisions.map(({ id, keptFor }) => [id, ...keptFor])).toEqual([
      ['future', 'last good', 'taken in the future: a clock was wrong'],
      ['last', 'last good', 'younger than the minimum age'],
      ['this moment', 'younger than the minimum age'],
      ['younger', 'younger than the minimum age'],
      ['just as old'],
    ]);
  });

  it('says a policy in words, without what it does not ask for', () => {
    const words = policyWords(policyOf({ keepLast: 10, daily: 7, minAgeMs: 2 * HOUR_MS }));
    expect(words).toBe('last 10, daily 7; none younger than 120 min (UTC)');
    expect(policyWords(policyOf({ hourly: 24 }))).toBe('hourly 24 (UTC)');
  });

  it('holds the last one by content where a clock put it before another', () => {
    const [real, wrong] = [
      { id: 'real', takenMs: 1_000, revision: 20n, appliedIndex: 40n },
      { id: 'wrong', takenMs: 9_000, revision: 10n, appliedIndex: 20n },
    ];
    expect([...lastGood([real, wrong], 10_000)].sort()).toEqual(['real', 'wrong']);
    expect([...lastGood([{ ...wrong, takenMs: 900 }, real], 10_000)]).toEqual(['real']);
    const old = { id: 'old', takenMs: 500, revision: 5n, appliedIndex: 5n };
    expect([...lastGood([wrong, old], 5_000)].sort()).toEqual(['old', 'wrong']);
    const ahead = { id: 'ahead', takenMs: 6_000, revision: 30n, appliedIndex: 60n };
    expect([...lastGood([ahead, { ...real, takenMs: 5_000 }, old], 5_000)].sort()).toEqual(['ahead', 'real']);
  });
});

describe('periods', () => {
  it.each<[string, Period, string, string, boolean]>([
    ['Europe/Berlin', 'daily', '2026-11-21T22:59:59Z', '2026-11-21T23:00:00Z', false],
    ['UTC', 'daily', '2026-11-21T22:59:59Z', '2026-11-21T23:00:00Z', true],
    // 02:30 comes twice that night, and each is an hour of its own.
    ['Europe/Berlin', 'hourly', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', false],
    ['Europe/Berlin', 'daily', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', true],
    ['Australia/Lord_Howe', 'hourly', '2026-04-04T14:45:00Z', '2026-04-04T15:15:00Z', false],
    // Sunday and Monday.
    ['UTC', 'weekly', '2026-11-22T23:59:59Z', '2026-11-23T00:00:00Z', false],
    ['UTC', 'weekly', '2026-11-23T00:00:00Z', '2026-11-29T23:59:59Z', true],
    ['Europe/Berlin', 'monthly', '2026-10-31T22:30:00Z', '2026-10-31T23:30:00Z', false],
    ['UTC', 'monthly', '2025-11-30T00:00:00Z', '2026-11-30T00:00:00Z', false],
  ])('%s %s: %s and %s are of one: %s', (zone, period, a, b, same) => {
    const periodOf = calendarOf(zone);
    expect(periodOf(period, Date.parse(a)) === periodOf(period, Date.parse(b))).toBe(same);
  });
});

function naive(
  policy: RetentionPolicy,
  good: readonly RetentionCandidate[],
  nowMs: number,
): ReadonlySet<string> {
  const periodOf = calendarOf(policy.timeZone);
  const order = good.toSorted(
    (a, b) =>
      b.takenMs - a.takenMs ||
      Number(b.revision - a.revision) ||
      Number(b.appliedIndex - a.appliedIndex) ||
      (a.id < b.id ? 1 : -1),
  );
  const keep = new Set(lastGood(good, nowMs));
  for (const { id } of order.slice(0, policy.keepLast)) keep.add(id);
  for (const period of ['hourly', 'daily', 'weekly', 'monthly'] as const) {
    const groups = Object.entries(Object.groupBy(order, ({ takenMs }) => periodOf(period, takenMs)));
    const newest = groups
      .map(([, group]) => group?.[0])
      .filter((each) => each !== undefined)
      .sort((a, b) => order.indexOf(a) - order.indexOf(b));
    for (const { id } of newest.slice(0, policy[period])) keep.add(id);
  }
  return keep;
}
