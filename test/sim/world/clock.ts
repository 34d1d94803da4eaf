import type { Clock } from '@lockstep/shared/clock.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import { lightOf, type SimSignal, simSignal, TIMED_OUT } from './signal.ts';

/** The moment at which every simulated operation begins. */
export const BEGAN_MS = 1_790_000_000_000;

/** Time as one process sees it: its timers die and pause with it, its wall clock may be off. */
export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #actor: Actor;
  readonly #node: number;
  readonly #coordinator: number;
  readonly #host: { offsetMs: number };

  constructor(
    scheduler: Scheduler,
    actor: Actor,
    host: { offsetMs: number },
    node: number,
    coordinator: number,
  ) {
    this.#scheduler = scheduler;
    this.#actor = actor;
    this.#host = host;
    this.#node = node;
    this.#coordinator = coordinator;
  }

  nowMs(): number {
    return Math.floor(BEGAN_MS + this.#scheduler.nowMs + this.#host.offsetMs);
  }

  monotonicMs(): number {
    return this.#scheduler.nowMs;
  }

  delay(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        this.#timer(ms, 'delay', resolve);
        return;
      }
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const light = lightOf(signal);
      const abort = (): void => {
        timer.cancelled = true;
        reject(signal.reason);
      };
      const timer = this.#timer(ms, 'delay', () => {
        light.removeEventListener('abort', abort);
        resolve();
      });
      light.addEventListener('abort', abort);
    });
  }

  deadline(ms: number, signal?: AbortSignal): AbortSignal {
    const own: SimSignal = simSignal();
    if (signal?.aborted === true) {
      own.abort(signal.reason);
      return own;
    }
    const parent = signal === undefined ? undefined : lightOf(signal);
    // Most deadlines outlive what they are for: those are no event.
    this.#timer(
      ms,
      'deadline',
      () => {
        parent?.release(own);
        own.abort(TIMED_OUT);
      },
      () => !own.hasListeners,
    );
    parent?.adopt(own);
    return own;
  }

  after(ms: number, call: () => void): Disposable {
    const timer = this.#timer(ms, 'after', call);
    return {
      [Symbol.dispose]: () => {
        timer.cancelled = true;
      },
    };
  }

  #timer(ms: number, what: string, run: () => void, unnoticed?: () => boolean): ReturnType<Scheduler['at']> {
    return this.#scheduler.at(ms, this.#actor, 'timer', what, this.#node, this.#coordinator, run, unnoticed);
  }
}
