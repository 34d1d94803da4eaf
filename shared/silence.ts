import type { Clock } from './clock.ts';

export interface SilenceLimit {
  /** How long the next piece may be awaited. How long it is taken to use the last one does not count. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'after'>;
  /** What is thrown then. */
  readonly error: () => Error;
}

/**
 * The stream, given up where it falls silent or the signal aborts, even where whoever makes it never
 * looks up; then it is told to end, which is not waited for.
 */
export async function* unlessSilent<Value>(
  stream: AsyncIterable<Value>,
  { timeoutMs, clock, error }: SilenceLimit,
  signal: AbortSignal,
): AsyncGenerator<Value, void, undefined> {
  const iterator = stream[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await within(iterator.next(), { timeoutMs, clock, error }, signal);
      if (next.done === true) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // A generator in the middle of a wait ends once that has ended.
    if (!ended) void iterator.return?.().catch(() => undefined);
  }
}

/** The promise, given up after the limit or at the signal. */
export async function within<Value>(
  value: Promise<Value>,
  { timeoutMs, clock, error }: SilenceLimit,
  signal: AbortSignal,
): Promise<Value> {
  const { promise: given, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  using _timer = clock.after(timeoutMs, () => reject(error()));
  // Whichever comes second is nobody's any more.
  value.catch(() => undefined);
  given.catch(() => undefined);
  try {
    signal.throwIfAborted();
    return await Promise.race([value, given]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
