import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  type ExecuteResponse,
  StepProgress,
  StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';

/** After its deadline an effect gets this long to end before the stream ends without it. */
const OVERRUN_MS = 2_000;

/** Made once: it tells nobody anything, and a reason made each time costs a stack trace. */
const ENDED = new Error('the step has ended');

/** A person reads no faster. */
const PROGRESS_INTERVAL_MS = 100;

/** Where a step says what it is doing. Only the latest word is kept: a slow listener delays nothing. */
export class ProgressSlot {
  #spokenMs = Number.NEGATIVE_INFINITY;
  #latest: StepProgress | undefined;
  #wake: (() => void) | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(step: string, doneBytes: bigint, totalBytes: bigint): void {
    this.#latest = { step, doneBytes, totalBytes };
    this.#wake?.();
  }

  take(): StepProgress | undefined {
    const latest = this.#latest;
    this.#latest = undefined;
    this.#spokenMs = this.#clock.monotonicMs();
    return latest;
  }

  /** Resolves when there is a word, and time for one. */
  async next(): Promise<void> {
    if (this.#latest === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const waitMs = this.#spokenMs + PROGRESS_INTERVAL_MS - this.#clock.monotonicMs();
    if (waitMs > 0) await this.#clock.delay(waitMs);
  }
}

/**
 * A running step as a stream: progress, then its result. Ends by the deadline even where the
 * effect does not: the effect stays in flight then, and the agent obeys nobody until it has ended.
 */
export async function* streamStep(
  running: Promise<StepResult>,
  progress: ProgressSlot,
  timeout: {
    readonly signal: AbortSignal;
    readonly node: string;
    readonly what: string;
    readonly clock: Clock;
  },
): AsyncGenerator<ExecuteResponse, void, undefined> {
  const overrun = new AbortController();
  const overdue = afterAbort(timeout.signal, timeout.clock, overrun.signal).then(() => 'overdue' as const);
  const ended = running.then((result) => ({ result }));
  try {
    for (;;) {
      const first = await Promise.race([ended, overdue, progress.next().then(() => 'progress' as const)]);
      if (first === 'progress') {
        const word = progress.take();
        if (word !== undefined) yield { event: { $case: 'progress', value: word } };
        continue;
      }
      const result = first === 'overdue' ? timedOut(timeout) : first.result;
      yield { event: { $case: 'result', value: result } };
      return;
    }
  } finally {
    overrun.abort(ENDED);
    // Nobody listens any more; the runner has recorded how it ended.
    ended.catch(() => undefined);
    overdue.catch(() => undefined);
  }
}

export function timedOut({ node, what }: { readonly node: string; readonly what: string }): StepResult {
  const failure = toFailure(
    new LockstepError('STEP_TIMED_OUT', { node, message: `${what} on ${node} did not end in time.` }),
  );
  return StepResult.fromPartial({ failure });
}

async function afterAbort(signal: AbortSignal, clock: Clock, until: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    until.addEventListener('abort', () => reject(ENDED), { once: true });
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await clock.delay(OVERRUN_MS, until);
}
