import { calendarOf, type Period, type PeriodOf } from './calendar.ts';
import type { Standing } from './standing.ts';

/** How many are kept: the newest, and the newest of each of so many periods of the time zone's calendar. */
export interface RetentionPolicy {
  readonly keepLast: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  /** None younger than this is deleted. */
  readonly minAgeMs: number;
  readonly timeZone: string;
}

export interface RetentionCandidate {
  readonly id: string;
  readonly takenMs: number;
  readonly revision: bigint;
  /** The last raft entry in it: orders those of one revision. */
  readonly appliedIndex: bigint;
  readonly standing: Standing;
  /** Why nobody may delete it unasked, in words: pins, operations, plans. */
  readonly protectedFor: readonly string[];
}

export interface RetentionDecision {
  readonly id: string;
  /** Every reason to keep it; empty where it is to go. */
  readonly keptFor: readonly string[];
  /** Why it is to go; empty where it is kept. */
  readonly deletedFor: string;
}

const PERIODS: readonly Period[] = ['hourly', 'daily', 'weekly', 'monthly'];

/**
 * What goes and what stays, newest first. Never deleted: the last good one, whichever way last is
 * meant; whatever is protected; anything at all where none is good. One that is not good takes no
 * good one's place, and goes no earlier than it would if it were: an error about trust can be
 * found out. Deciding again after deleting deletes nothing more, and time alone only ever lets
 * more go.
 */
export function decideRetention(
  policy: RetentionPolicy,
  candidates: readonly RetentionCandidate[],
  nowMs: number,
  periodOf: PeriodOf = calendarOf(policy.timeZone),
): RetentionDecision[] {
  const all = [...candidates].sort(newestFirst);
  const good = all.filter(({ standing }) => standing === 'good');
  const placesOfGood = kept(policy, good, periodOf);
  const placesOfAll = kept(policy, all, periodOf);
  const last = lastGood(good, nowMs);
  return all.map((candidate) => {
    const { id, standing, takenMs, protectedFor } = candidate;
    const places = (standing === 'good' ? placesOfGood : placesOfAll).get(id) ?? [];
    const keptFor = [
      ...(last.has(id) ? ['last good'] : []),
      ...protectedFor,
      ...(good.length === 0 ? ['no good one is known'] : []),
      ...(takenMs > nowMs ? ['taken in the future: a clock was wrong'] : []),
      ...(takenMs <= nowMs && nowMs - takenMs < policy.minAgeMs ? ['younger than the minimum age'] : []),
      ...places,
    ];
    return { id, keptFor, deletedFor: keptFor.length > 0 ? '' : whyDeleted(standing) };
  });
}

/**
 * Good ones of which the last may not go. A clock that was wrong may have put any of them before
 * another, so the last is sought by time, by time among those of the past, and by revision.
 */
export function lastGood(
  good: readonly Pick<RetentionCandidate, 'id' | 'takenMs' | 'revision' | 'appliedIndex'>[],
  nowMs: number,
): Set<string> {
  const byTime = [...good].sort(newestFirst);
  const byContent = [...good].sort((a, b) => compareContent(b, a) || newestFirst(a, b));
  const past = byTime.find(({ takenMs }) => takenMs <= nowMs);
  return new Set([byTime[0], past, byContent[0]].flatMap((each) => (each === undefined ? [] : [each.id])));
}

/** The places of a policy that each of these takes, in words; sorted newest first. */
function kept(
  policy: RetentionPolicy,
  sorted: readonly RetentionCandidate[],
  periodOf: PeriodOf,
): Map<string, string[]> {
  const reasons = new Map<string, string[]>();
  const keep = (id: string, reason: string): void => {
    reasons.set(id, [...(reasons.get(id) ?? []), reason]);
  };
  sorted
    .slice(0, policy.keepLast)
    .forEach(({ id }, index) => keep(id, `last ${index + 1} of ${policy.keepLast}`));
  for (const period of PERIODS) {
    const wanted = policy[period];
    const seen = new Set<string>();
    for (const { id, takenMs } of wanted === 0 ? [] : sorted) {
      if (seen.size === wanted) break;
      const key = periodOf(period, takenMs);
      if (seen.has(key)) continue;
      seen.add(key);
      keep(id, `${period} ${seen.size} of ${wanted}`);
    }
  }
  return reasons;
}

function whyDeleted(standing: Standing): string {
  if (standing === 'bad') return 'bad, and past every period';
  if (standing === 'unknown') return 'not known to be good, and past every period';
  return 'past every period, or not the newest of one';
}

type Ordered = Pick<RetentionCandidate, 'id' | 'takenMs' | 'revision' | 'appliedIndex'>;

function newestFirst(a: Ordered, b: Ordered): number {
  return b.takenMs - a.takenMs || compareContent(b, a) || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

function compareContent(a: Ordered, b: Ordered): number {
  return compare(a.revision, b.revision) || compare(a.appliedIndex, b.appliedIndex);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** "last 10, hourly 24, daily 7; none younger than 120 min (Europe/Berlin)". */
export function policyWords(policy: RetentionPolicy): string {
  const counts = [
    ['last', policy.keepLast] as const,
    ...PERIODS.map((period) => [period, policy[period]] as const),
  ];
  const kept = counts.filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`);
  const minAge =
    policy.minAgeMs === 0 ? '' : `; none younger than ${Math.round(policy.minAgeMs / 60_000)} min`;
  return `${kept.join(', ')}${minAge} (${policy.timeZone})`;
}
