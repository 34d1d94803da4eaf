import { open } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Others' bits: whoever else can read the file can delete every copy. */
const OTHERS_MODE = 0o077;

/**
 * One profile of a credentials file as AWS's tools write it. No message holds anything of what is
 * in it. Throws STORE_DENIED.
 */
export async function readCredentials(path: string, profile: string): Promise<S3Credentials> {
  let text: string;
  try {
    await using file = await open(path, 'r');
    const { mode } = await file.stat();
    if ((mode & OTHERS_MODE) !== 0) {
      throw new LockstepError('STORE_DENIED', {
        message: `${path} may be read by others (mode ${(mode & 0o777).toString(8)}); make it 600.`,
      });
    }
    text = await file.readFile('utf8');
  } catch (thrown) {
    if (thrown instanceof LockstepError) throw thrown;
    throw new LockstepError('STORE_DENIED', { message: `${path} cannot be read.`, cause: thrown });
  }
  const settings = settingsOf(text, profile);
  const accessKeyId = settings.get('aws_access_key_id');
  const secretAccessKey = settings.get('aws_secret_access_key');
  const sessionToken = settings.get('aws_session_token');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new LockstepError('STORE_DENIED', {
      message: `${path} has no aws_access_key_id and aws_secret_access_key under [${profile}].`,
    });
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function settingsOf(text: string, profile: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const header = /^\[\s*(.*?)\s*\]$/.exec(line)?.[1];
    if (header !== undefined) section = header;
    const at = line.indexOf('=');
    if (header !== undefined || section !== profile || at === -1) continue;
    settings.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
  }
  return settings;
}
