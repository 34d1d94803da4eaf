import { request as requestPlainly } from 'node:http';
import { request } from 'node:https';
import { deadline } from '@lockstep/shared/deadline.ts';
import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';

/** PEMs; the pair is left out where nobody is asked for one. */
export interface AskingAs {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Each poll that is too late is downtime; each that is too early costs a handshake. */
const POLL_MS = 50;
const ANSWER_MS = 2_000;
/** "ok", or a version in JSON. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** The status of a GET, and the start of what was said. Rejects with Node's own error where nobody answers. */
export async function get(
  url: string,
  as: AskingAs | undefined,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const options = { signal: deadline(ANSWER_MS, signal), agent: false as const };
  const call = url.startsWith('http:')
    ? requestPlainly(url, options)
    : request(url, { ...options, ...as, minVersion: 'TLSv1.2' });
  call.on('error', reject);
  call.on('response', (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('error', reject);
    response.on('data', (chunk: string) => {
      body += chunk;
      if (body.length > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
  });
  call.end();
  return promise;
}

/** Asks again and again until the answer is 200; `code` at the signal, with the last answer in it. */
export async function waitForOk(
  url: string,
  as: AskingAs | undefined,
  code: ErrorCode,
  signal: AbortSignal,
): Promise<void> {
  let last: unknown = new Error('nobody was asked');
  const condition = {
    describe: () => `${url} answers`,
    check: async () => {
      try {
        const { status, body } = await get(url, as, signal);
        last = new Error(`status ${status}: ${body.slice(0, 500)}`);
        return status === 200;
      } catch (thrown) {
        last = thrown;
        return false;
      }
    },
  };
  try {
    await waitFor(condition, POLL_MS, signal);
  } catch {
    throw new LockstepError(code, { message: `${url} was not ready in time.`, cause: last });
  }
}
