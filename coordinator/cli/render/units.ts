const KIBI = 1024;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** "20.6 MiB". */
export function bytes(value: bigint | number): string {
  let amount = Number(value);
  let unit = 0;
  while (amount >= KIBI && unit < UNITS.length - 1) {
    amount /= KIBI;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`;
}

/** "12,345". */
export function count(value: bigint | number): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** "1 node", "3 nodes". */
export function plural(value: bigint | number, one: string, many = `${one}s`): string {
  return `${count(value)} ${Number(value) === 1 ? one : many}`;
}

/** A length of time as exactly as a person wants it: "40 ms", "0.4 s", "12 s", "3 min 20 s", "2 h 5 min". */
export function duration(ms: bigint | number): string {
  const value = Math.max(0, Number(ms));
  if (value < 100) return `${Math.round(value)} ms`;
  if (value < 9_950) return `${(value / 1_000).toFixed(1)} s`;
  const seconds = Math.round(value / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** How long ago, in kubectl's way: "12s", "5m", "3h", "2d". */
export function age(thenMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - thenMs) / 1_000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

/** "2026-11-22 11:45:30 UTC". */
export function instant(ms: bigint | number | string): string {
  const date = new Date(typeof ms === 'string' ? ms : Number(ms));
  return Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** "11:45:30.123". */
export function clock(ms: bigint | number): string {
  return new Date(Number(ms)).toISOString().slice(11, 23);
}
