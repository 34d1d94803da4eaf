import { hash } from 'node:crypto';

/** Room for a suffix under the 255 bytes that file systems allow. */
const MAX_CHARACTERS = 200;
const DIGEST_DIGITS = 16;
const PLAIN = /[A-Za-z0-9_.:-]/u;

/**
 * A name as one segment of a path: whatever is in it, it names a file in its own directory, is not
 * hidden, and no two names become one. Other bytes are percent-encoded; what is too long ends in
 * its digest.
 */
export function pathSegment(name: string): string {
  let safe = '';
  for (const byte of Buffer.from(name, 'utf8')) {
    const character = String.fromCharCode(byte);
    const plain = PLAIN.test(character) && !(safe === '' && character === '.');
    safe += plain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  if (safe === '') return '%';
  if (safe.length <= MAX_CHARACTERS) return safe;
  return `${safe.slice(0, MAX_CHARACTERS)}~${hash('sha256', name, 'hex').slice(0, DIGEST_DIGITS)}`;
}
