/** RFC 3339: with its date, its time and its offset; nothing is guessed of what is left out. */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/u;

/**
 * Milliseconds of a moment that a person wrote; undefined where it is none. `Date.parse` alone
 * takes "1" for a day in 2001, and a time without an offset for one where the program runs.
 */
export function momentOf(text: string): number | undefined {
  const ms = RFC_3339.test(text) ? Date.parse(text.replace(' ', 'T').toUpperCase()) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
