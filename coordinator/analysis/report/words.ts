import { type Html, html } from './html.ts';

/** "2026-11-22 11:45:30 UTC" */
export function instantText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime())
    ? 'at no known time'
    : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The same as an element; RFC 3339 or milliseconds. Nothing where it is no time. */
export function time(at: number | string | undefined): Html | undefined {
  const date = new Date(at === undefined || at === '' ? Number.NaN : at);
  if (Number.isNaN(date.getTime())) return undefined;
  return html`<time datetime="${date.toISOString()}">${instantText(date.getTime())}</time>`;
}

/** Without its "UTC", where a list says that for all. */
export function shortTime(ms: number): Html {
  return html`<time datetime="${new Date(ms).toISOString()}">${instantText(ms).replace(/ UTC$/, '')}</time>`;
}

/** "11,204" */
export function figure(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${figure(value)} ${value === 1 ? one : many}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function sizeText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`;
}

/** "a", "a and b", "a, b and c" */
export function listText(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
