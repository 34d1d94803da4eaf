const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Of every zone, in all the years that a snapshot can be of. */
const OFFSETS_CHANGE_AT_MS = 15 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** 1 January 1970 was a Thursday: weeks begin on Mondays. */
const DAYS_BEFORE_FIRST_MONDAY = 3;

export type Period = 'hourly' | 'daily' | 'weekly' | 'monthly';

/** Names the period of a time zone's calendar that a moment lies in; equal for two of one period. */
export type PeriodOf = (period: Period, ms: number) => string;

/** Throws RangeError where there is no such zone. */
export function calendarOf(timeZone: string): PeriodOf {
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  const offsets = new Map<number, number>();
  const offsetMs = (ms: number): number => {
    const quarter = Math.floor(ms / OFFSETS_CHANGE_AT_MS);
    const known = offsets.get(quarter) ?? offsetOf(formatter, quarter * OFFSETS_CHANGE_AT_MS);
    offsets.set(quarter, known);
    return known;
  };
  return (period, ms) => {
    const offset = offsetMs(ms);
    const localDay = Math.floor((ms + offset) / DAY_MS);
    switch (period) {
      case 'hourly':
        // The hour that comes twice when summer ends is two hours: the offset tells them apart.
        return `${Math.floor((ms + offset) / HOUR_MS)} ${offset}`;
      case 'daily':
        return `${localDay}`;
      case 'weekly':
        return `${Math.floor((localDay + DAYS_BEFORE_FIRST_MONDAY) / 7)}`;
      case 'monthly':
        return new Date(ms + offset).toISOString().slice(0, -'-01T00:00:00.000Z'.length);
      default:
        return period satisfies never;
    }
  };
}

/** What a zone's clocks are ahead of UTC at a moment that is a whole second. */
function offsetOf(formatter: Intl.DateTimeFormat, ms: number): number {
  const parts = Object.fromEntries(
    formatter.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: string): number => parts[name] ?? 0;
  const local = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return local - ms;
}
