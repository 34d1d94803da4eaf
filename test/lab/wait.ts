import { connect } from 'node:net';
import { waitFor } from '@lockstep/shared/waiting.ts';

const POLL_MS = 50;
const PROBE_TIMEOUT_MS = 1_000;

/** Polls until it is so; what was waited for is in the error where it never is. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  signal: AbortSignal,
  pollMs: number = POLL_MS,
): Promise<void> {
  try {
    await waitFor({ describe: () => what, check: async () => check() }, pollMs, signal);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`waited in vain until ${what}: ${why}`, { cause });
  }
}

/** Resolves when a TCP connection to `HOST:PORT` is taken. */
export async function untilListening(who: string, address: string, signal: AbortSignal): Promise<void> {
  await until(`${who} listens on ${address}`, () => listens(address), signal);
}

async function listens(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port), timeout: PROBE_TIMEOUT_MS });
  return new Promise((resolve) => {
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
