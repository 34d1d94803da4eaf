/* Values that upstream prints by code of its own. */

const DAY_SECONDS = 86_400;
const TWO_DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));
/** What Date can print with four digits for the year: 0001-01-01 to 9999-12-31. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

/**
 * Times as Go's RFC 3339 has them. Objects of one store share their days: the last one is kept.
 */
export class Times {
  #day = Number.NaN;
  #date = '';

  /** "2026-09-01T00:00:00Z"; null for Go's zero time, the first second of the year 1. */
  seconds(seconds: number): string | null {
    if (seconds === FIRST_SECOND) return null;
    const text = this.#text(seconds);
    return text === undefined ? beyond(seconds) : `${text}Z`;
  }

  /** "2026-09-01T00:00:00.000000Z" */
  micros(seconds: number, nanos: number): string | null {
    if (seconds === FIRST_SECOND && nanos === 0) return null;
    const text = this.#text(seconds);
    const micros = String(Math.trunc(Math.max(0, nanos) / 1000)).padStart(6, '0');
    return text === undefined ? beyond(seconds) : `${text}.${micros}Z`;
  }

  #text(seconds: number): string | undefined {
    if (!(seconds >= FIRST_SECOND && seconds <= LAST_SECOND)) return undefined;
    const day = Math.floor(seconds / DAY_SECONDS);
    if (day !== this.#day) {
      this.#day = day;
      this.#date = new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10);
    }
    const second = seconds - day * DAY_SECONDS;
    const hours = TWO_DIGITS[Math.floor(second / 3600)];
    const minutes = TWO_DIGITS[Math.floor(second / 60) % 60];
    return `${this.#date}T${hours}:${minutes}:${TWO_DIGITS[second % 60]}`;
  }
}

/** No API server writes such a time; what stands there is told all the same. */
function beyond(seconds: number): string {
  return `${seconds} seconds since 1970`;
}

const UNITS = [
  ['h', 3_600_000_000_000n],
  ['m', 60_000_000_000n],
] as const;
const SECOND = 1_000_000_000n;

/** Go's time.Duration as text: "1h0m0.5s", "1.5ms", "0s". */
export function durationText(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  let left = nanos < 0n ? -nanos : nanos;
  if (left < SECOND) {
    if (left < 1000n) return `${sign}${left}ns`;
    return left < 1_000_000n ? `${sign}${decimal(left, 1000n)}µs` : `${sign}${decimal(left, 1_000_000n)}ms`;
  }
  let text = sign;
  for (const [unit, size] of UNITS) {
    if (left >= size || text !== sign) text += `${left / size}${unit}`;
    left %= size;
  }
  return `${text}${decimal(left, SECOND)}s`;
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(value / unit) : `${value / unit}.${fraction}`;
}
