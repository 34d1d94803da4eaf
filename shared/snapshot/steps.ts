import { setImmediate as turn } from 'node:timers/promises';

/**
 * Long synchronous work that can be left off between any two of its steps, each of which takes a
 * millisecond or so.
 */
export type Steps<Result> = Generator<void, Result, void>;

/** The longest that `inSlices` keeps the event loop from anything else, give or take a step. */
export const SLICE_MS = 10;

/** All steps at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** All steps, with the event loop's other work between one slice and the next. Rejects with the signal's reason. */
export async function inSlices<Result>(steps: Steps<Result>, signal: AbortSignal): Promise<Result> {
  try {
    for (;;) {
      signal.throwIfAborted();
      const end = performance.now() + SLICE_MS;
      do {
        const { done, value } = steps.next();
        if (done === true) return value;
      } while (performance.now() < end);
      await turn();
    }
  } finally {
    // What it has open is closed.
    steps.return(undefined as never);
  }
}
