import { readFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Decrypter } from 'age-encryption';

const X25519 = 'AGE-SECRET-KEY-1';
const HYBRID = 'AGE-SECRET-KEY-PQ-1';
/** An identity that a passphrase protects is an age file itself, armoured or not. */
const PROTECTED = /^(-----BEGIN AGE ENCRYPTED FILE-----|age-encryption\.org\/v1)/;

/**
 * The secret keys of an identity file as age-keygen writes it: one a line, with comments. No
 * message holds anything of them. Throws IDENTITY_INVALID.
 */
export async function readIdentities(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LockstepError('IDENTITY_INVALID', { message: `${path} cannot be read.`, cause });
  }
  return parseIdentities(text, path);
}

export function parseIdentities(text: string, path: string): string[] {
  if (PROTECTED.test(text)) {
    throw new LockstepError('IDENTITY_INVALID', {
      message: `${path} is protected by a passphrase, which is not supported.`,
    });
  }
  const lines = text.split('\n').map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (identities.length === 0) {
    throw new LockstepError('IDENTITY_INVALID', { message: `${path} holds no identity.` });
  }
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    if (!(line.startsWith(X25519) || line.startsWith(HYBRID)) || !isIdentity(line)) {
      throw new LockstepError('IDENTITY_INVALID', {
        message: `Line ${index + 1} of ${path} is no identity of age.`,
      });
    }
  }
  return identities;
}

/** The key of the one file with this head. Throws COPY_KEY_WRONG where none of the identities opens it. */
export async function fileKeyOf(
  head: Uint8Array,
  identities: readonly string[],
  recipients: readonly string[],
): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(head);
  } catch (thrown) {
    // The library's own words name no secret.
    const cause = thrown instanceof Error ? new Error(thrown.message) : undefined;
    throw new LockstepError('COPY_KEY_WRONG', {
      message: `The identity opens none of the copy’s recipients: ${recipients.join(', ')}.`,
      cause,
    });
  }
}

function isIdentity(line: string): boolean {
  try {
    new Decrypter().addIdentity(line);
    return true;
  } catch {
    return false;
  }
}
