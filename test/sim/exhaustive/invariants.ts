import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { FACT } from './parts.ts';
import type { Successors } from './successors.ts';
import { SLOTS } from './successors.ts';

/** The invariants of the design that no node can break by itself (those are in parts.ts and ports.ts). */
export class Invariants {
  readonly #space: Successors;
  readonly #count: number;

  constructor(space: Successors) {
    this.#space = space;
    this.#count = space.parts.searched.nodes.length;
  }

  /** What is wrong with a state, in words. */
  check(state: ArrayLike<number>): string | undefined {
    let some = 0;
    let all = -1;
    let old = 0;
    let fresh = 0;
    let apiOnNew = false;
    for (let node = 0; node < this.#count; node += 1) {
      const facts = this.#space.factsOf(state, node);
      some |= facts;
      all &= facts;
      if ((facts & FACT.etcdOld) !== 0) old += 1;
      if ((facts & FACT.etcdNew) !== 0) {
        fresh += 1;
        if ((facts & FACT.api) !== 0) apiOnNew = true;
      }
    }
    const { quorum } = this.#space.parts;
    if ((some & FACT.committed) !== 0 && (some & (FACT.undone | FACT.undoing)) !== 0) {
      return 'one node has committed, and another undoes or has undone';
    }
    if (apiOnNew && (all & FACT.committed) === 0) return 'an API server on NEW before all have committed';
    if (old >= quorum && fresh >= quorum) return 'two incarnations with a quorum each';
    if ((some & FACT.undoStarted) !== 0 && fresh >= quorum && quorum > 1) {
      return 'OLD was started while NEW has a quorum';
    }
    if (this.#space.isAcknowledged(state)) {
      if ((some & (FACT.undone | FACT.undoing)) !== 0 || old >= quorum) {
        return 'a write that was acknowledged after commit is lost';
      }
    }
    return undefined;
  }

  /** Whether what a coordinator says at the end is so. */
  checkEnd(state: ArrayLike<number>, slot: number): string | undefined {
    const end = this.#space.parts.endOf(state[slot] as number);
    if (end === undefined) return undefined;
    for (let node = 0; node < this.#count; node += 1) {
      const facts = this.#space.factsOf(state, node);
      const name = this.#space.parts.searched.nodes[node];
      switch (end.outcome) {
        case Outcome.OUTCOME_RESTORED:
          if ((facts & FACT.closed) === 0) return `ended restored although ${name} is not closed`;
          if ((facts & FACT.newServing) === 0) return `ended restored although NEW is not up on ${name}`;
          break;
        case Outcome.OUTCOME_ROLLED_BACK:
        case Outcome.OUTCOME_REFUSED:
          if ((facts & FACT.committed) !== 0) return `ended undone although ${name} has committed`;
          if ((facts & FACT.undone) !== 0 && (facts & FACT.oldRestored) === 0) {
            return `ended undone although OLD is not back on ${name}`;
          }
          break;
        case Outcome.OUTCOME_NEEDS_OPERATOR:
          break;
        default:
          return `ended ${end.outcome}`;
      }
    }
    return undefined;
  }

  /** A state in which nothing more happens by itself: all must have ended, and agree. */
  checkStill(state: ArrayLike<number>): string | undefined {
    let waits = false;
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const id = state[slot] as number;
      if (this.#space.parts.slot(id).running) return 'a coordinator waits for ever';
      waits ||= this.#space.parts.endOf(id)?.outcome === Outcome.OUTCOME_NEEDS_OPERATOR;
    }
    if (waits) return undefined;
    for (let node = 0; node < this.#count; node += 1) {
      const facts = this.#space.factsOf(state, node);
      const name = this.#space.parts.searched.nodes[node];
      if ((facts & FACT.unended) !== 0) return `all is over, and the operation is open on ${name}`;
      if ((facts & FACT.closed) === 0 && (facts & FACT.oldRestored) === 0) {
        return `all is over, and neither OLD nor NEW is up on ${name}`;
      }
    }
    return undefined;
  }
}
