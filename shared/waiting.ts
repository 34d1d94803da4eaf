import { type Clock, systemClock } from './clock.ts';

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
  clock: Pick<Clock, 'delay'> = systemClock,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (await condition.check(signal)) return;
    await clock.delay(pollMs, signal).catch(() => signal.throwIfAborted());
  }
}
