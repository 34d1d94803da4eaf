import type { Clock } from '@lockstep/shared/clock.ts';

/** Rounds of promises between two moments: more than any chain of them in the runner is long. */
const TURNS = 200;

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #nowMs = 1_000_000;
  readonly #due: { atMs: number; call: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): Disposable {
    const timer = { atMs: this.#nowMs + ms, call };
    this.#due.push(timer);
    return { [Symbol.dispose]: () => this.#drop(timer) };
  }

  delay(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const timer = this.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        timer[Symbol.dispose]();
        reject(signal.reason as Error);
      });
      return undefined;
    });
  }

  deadline(ms: number, signal?: AbortSignal): AbortSignal {
    const over = new AbortController();
    this.after(ms, () => over.abort(new DOMException('timed out', 'TimeoutError')));
    return signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  }

  /** Moves on, timer by timer, letting what each sets free run as far as it goes. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#drop(next);
      this.#nowMs = next.atMs;
      next.call();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #drop(timer: { atMs: number; call: () => void }): void {
    const index = this.#due.indexOf(timer);
    if (index >= 0) this.#due.splice(index, 1);
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
}
