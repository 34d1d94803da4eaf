import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { FailpointBoard } from './board.ts';
import { type Moment, type Point, pointName } from './point.ts';

/** What is under way where no step is. */
const NO_STEP = 'start';

interface Execution {
  readonly step: string;
  /** How often each point was crossed in it. */
  readonly times: Map<string, number>;
}

/** The program's side of its failpoints: told of every crossing, it does what is armed there. */
export class Probe {
  readonly #board: FailpointBoard;
  readonly #program: Point['program'];
  readonly #execution = new AsyncLocalStorage<Execution>();

  constructor(board: FailpointBoard, program: Point['program']) {
    this.#board = board;
    this.#program = program;
  }

  /** While the body runs, and all that it started does, `step` is what is under way. */
  within<T>(step: string, body: () => T): T {
    return this.#execution.run({ step, times: new Map() }, body);
  }

  get clockAheadMs(): number {
    return this.#board.armed.clockAheadMs ?? 0;
  }

  /**
   * Does what is armed at this point, if anything: does not return where that is SIGKILL, throws
   * where it is a failure, and returns a promise to wait for where it is a pause.
   */
  cross(port: string, method: string, moment: Moment, step?: string): Promise<void> | undefined {
    const { arms, record } = this.#board.armed;
    if (arms.length === 0 && record !== true) return undefined;
    const name = this.#nameOf(port, method, moment, step);
    if (record === true) this.#board.note('crossed', name);
    const arm = arms.find(({ point }) => point === name);
    if (arm === undefined) return undefined;
    if (arm.action !== 'fail-always' && this.#board.hits.includes(name)) return undefined;
    // Before it: whoever is dead writes nothing more.
    this.#board.note('hits', name);
    if (arm.action === 'kill') {
      process.kill(process.pid, 'SIGKILL');
      // The signal is there when the call returns; should it be late by an instant, nothing else happens in it.
      for (;;);
    }
    if (arm.action === 'fail' || arm.action === 'fail-always') throw new Error(`${name} fails (test only)`);
    return delay(arm.action.pauseMs);
  }

  #nameOf(port: string, method: string, moment: Moment, step: string | undefined): string {
    const execution = this.#program === 'agent' ? this.#execution.getStore() : undefined;
    const under = step ?? execution?.step ?? (this.#program === 'agent' ? NO_STEP : '');
    const point = { program: this.#program, port, method, moment, step: under };
    const first = pointName({ ...point, occurrence: 1 });
    const occurrence = (execution?.times.get(first) ?? 0) + 1;
    execution?.times.set(first, occurrence);
    return pointName({ ...point, occurrence });
  }

  noteCall(name: string): void {
    this.#board.note('calls', name);
  }
}
