import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

const RETRY_MS = 50;

/** The kernel's lock on an open file; false where somebody else holds it. */
export interface FileLocks {
  tryLock(fd: number): boolean;
}

/**
 * One executor per node: a lock on an open file descriptor, which the kernel drops with the
 * process, however it ends. A predecessor that is on its way out is waited for. Throws
 * EXECUTOR_BUSY.
 */
export async function takeExecutorLock(
  path: string,
  locks: FileLocks,
  patienceMs: number,
  now: () => number,
): Promise<Disposable> {
  const fd = openSync(path, 'a', 0o600);
  const until = now() + patienceMs;
  for (;;) {
    if (locks.tryLock(fd)) return { [Symbol.dispose]: () => closeSync(fd) };
    if (now() >= until) {
      closeSync(fd);
      throw new LockstepError('EXECUTOR_BUSY', { message: `Another process holds ${path}.` });
    }
    await delay(RETRY_MS);
  }
}
