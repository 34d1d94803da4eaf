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

/** Whether it can be an operation's id and a file's name: one path element, nothing hidden, nothing that climbs. */
export function isOperationId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(text);
}
