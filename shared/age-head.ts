/** What every age file begins with. */
export const AGE_MAGIC = 'age-encryption.org/v1\n';

/** A head holds a few hundred bytes per recipient; one that is longer is none. */
export const MAX_AGE_HEAD_BYTES = 64 * 1024;

/** The line before which the stanzas end, and after which the file's own bytes begin. */
const LAST_LINE = Buffer.from('\n--- ');

/**
 * The head of an age file, in which the key of that file is wrapped for each recipient: up to and
 * with its last line. Undefined where the bytes do not hold it whole.
 */
export function ageHeadOf(bytes: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_AGE_HEAD_BYTES));
  if (!isAge(text)) return undefined;
  const last = text.indexOf(LAST_LINE);
  const end = last === -1 ? -1 : text.indexOf('\n', last + LAST_LINE.length);
  return end === -1 ? undefined : text.subarray(0, end + 1);
}

export function isAge(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, AGE_MAGIC.length)).toString('latin1') === AGE_MAGIC;
}
