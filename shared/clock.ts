import { setTimeout as delay } from 'node:timers/promises';
import { deadline } from './deadline.ts';

/**
 * Time as a port. Whatever decides by time, or waits, takes one of these, so that a simulator can
 * own it; adapters, which wait for the real world, may use timers of their own.
 */
export interface Clock {
  /** The wall clock, ms since 1970; it may jump. */
  nowMs(): number;
  /** Ms since some moment; never goes back. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason where it aborts before. */
  delay(ms: number, signal?: AbortSignal): Promise<void>;
  /** Aborts after `ms` with a TimeoutError, or with `signal`, whichever comes first. */
  deadline(ms: number, signal?: AbortSignal): AbortSignal;
  /** Calls once after `ms`; disposing it before prevents that. */
  after(ms: number, call: () => void): Disposable;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  delay: (ms, signal) =>
    delay(ms, undefined, signal === undefined ? {} : { signal }).catch((thrown: unknown) => {
      signal?.throwIfAborted();
      throw thrown;
    }),
  deadline: (ms, signal) => deadline(ms, signal),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
