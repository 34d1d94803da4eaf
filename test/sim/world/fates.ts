import type { Fault } from './faults.ts';
import type { Random } from './random.ts';
import type { SimWorld } from './world.ts';

type Direction = 'request' | 'answer';

interface Armed {
  readonly fault: Fault;
  readonly node: number;
  readonly direction: Direction | 'both';
  /** Messages that it still meets. */
  left: number;
  happened: boolean;
}

export interface Fate {
  readonly lost: boolean;
  readonly delayMs: number;
  readonly twice: boolean;
}

/** Messages that are reordered are so because each takes another time. */
const REORDERED = 8;

/** What becomes of each message: nearly always nothing but a short delay. */
export class Fates {
  readonly #world: SimWorld;
  readonly #armed: Armed[] = [];

  constructor(world: SimWorld) {
    this.#world = world;
  }

  /** The next messages of its kind between this node and any coordinator. */
  arm(fault: Fault, node: number, dice: Random): void {
    const { kind } = fault;
    const direction = kind.startsWith('answer')
      ? 'answer'
      : kind === 'messages-reordered'
        ? 'both'
        : 'request';
    const left = direction === 'both' ? REORDERED : dice.between(1, 3);
    this.#armed.push({ fault, node, direction, left, happened: false });
  }

  of(node: number, direction: Direction): Fate {
    const { random } = this.#world;
    const delayMs = 0.2 + random.below(50) / 10;
    const at =
      this.#armed.length === 0
        ? -1
        : this.#armed.findIndex(
            (each) => each.node === node && (each.direction === direction || each.direction === 'both'),
          );
    const found = this.#armed[at];
    if (found === undefined) return { lost: false, delayMs, twice: false };
    found.left -= 1;
    if (found.left <= 0) this.#armed.splice(at, 1);
    if (!found.happened) this.#world.faultHappens(found.fault);
    found.happened = true;
    switch (found.fault.kind) {
      case 'message-lost':
      case 'answer-lost':
        return { lost: true, delayMs, twice: false };
      case 'message-late':
        return { lost: false, delayMs: random.between(1_000, 20_000), twice: false };
      case 'messages-reordered':
        return { lost: false, delayMs: random.between(1, 4_000), twice: false };
      default:
        return { lost: false, delayMs, twice: true };
    }
  }
}
