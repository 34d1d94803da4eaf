const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
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
    era: 'narrow',
  });
  return (period, ms) => {
    const parts = Object.fromEntries(formatter.formatToParts(ms).map(({ type, value }) => [type, value]));
    const part = (name: string): number => Number(parts[name]);
    const wholeSecond = Math.floor(ms / 1000) * 1000;
    const local = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    switch (period) {
      case 'hourly':
        // The hour that comes twice when summer ends is two hours: the offset tells them apart.
        return `${Math.floor(local / HOUR_MS)}${local === wholeSecond ? '' : ` ${(local - wholeSecond) / MINUTE_MS}`}`;
      case 'daily':
        return String(Math.floor(local / DAY_MS));
      case 'weekly':
        return String(Math.floor((Math.floor(local / DAY_MS) + DAYS_BEFORE_FIRST_MONDAY) / 7));
      case 'monthly':
        return `${parts['year']}-${parts['month']}`;
    }
  };
}
