import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** A wait with words: what is waited for, and whether it has come. */
export interface Condition {
  /** "etcd on cp1 serves peers" */
  describe(): string;
  check(signal: AbortSignal): Promise<boolean>;
}

/** Polls until the condition holds; rejects with the signal's reason, so every wait has its caller's deadline. */
export async function waitFor(
  condition: Condition,
  pollMs: number,
  signal: AbortSignal,
  clock: Pick<Clock, 'delay'> = SYSTEM_DELAY,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (await condition.check(signal)) return;
    await clock.delay(pollMs, signal).catch(() => signal.throwIfAborted());
  }
}

const SYSTEM_DELAY: Pick<Clock, 'delay'> = {
  delay: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};

/** The caller's signal, or a deadline of its own, whichever comes first. */
export function deadline(timeoutMs: number, signal?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  // Node collects a timeout that only a combined signal refers to, and it never fires then; one
  // that somebody listens to is kept.
  timeout.addEventListener('abort', () => undefined, { once: true });
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}
