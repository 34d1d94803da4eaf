import { randomBytes } from 'node:crypto';

/** Crockford base 32: no letters that look like digits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A name that sorts by time and that a person can read aloud: "r-20261122-114530-7kq2".
 * `prefix` says what it names: r an operation, s a snapshot.
 */
export function timedId(prefix: string, nowMs: number): string {
  const iso = new Date(nowMs).toISOString();
  const day = iso.slice(0, 10).replaceAll('-', '');
  const time = iso.slice(11, 19).replaceAll(':', '');
  const tail = [...randomBytes(6)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
  return `${prefix}-${day}-${time}-${tail}`;
}
