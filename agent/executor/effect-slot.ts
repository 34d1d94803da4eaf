import type { Clock } from '@lockstep/shared/clock.ts';

/** More than one coordinator with one retry each never waits here. */
const MAX_WAITING = 4;

/**
 * One effect at a time per node. Whoever comes while one is in flight waits a bounded while, so
 * that a repeat that overtakes the end of a cancelled first try is not an error.
 */
export class EffectSlot {
  #taken = false;
  readonly #waiting: (() => void)[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isTaken(): boolean {
    return this.#taken;
  }

  /** The release of the slot, or undefined where it was not free within `patienceMs`. */
  async acquire(patienceMs: number): Promise<Disposable | undefined> {
    if (this.#taken) {
      if (this.#waiting.length >= MAX_WAITING || !(await this.#turn(patienceMs))) return undefined;
    }
    this.#taken = true;
    let released = false;
    return {
      [Symbol.dispose]: () => {
        if (released) return;
        released = true;
        this.#taken = false;
        this.#waiting.shift()?.();
      },
    };
  }

  /** Waits in line; on its turn the slot is handed over as taken, so nobody slips in between. */
  #turn(patienceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer[Symbol.dispose]();
        this.#taken = true;
        resolve(true);
      };
      const timer = this.#clock.after(patienceMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1);
        resolve(false);
      });
      this.#waiting.push(wake);
    });
  }
}
