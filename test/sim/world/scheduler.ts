import type { SimEventKind } from './view.ts';

/**
 * Whoever acts: one run of an agent, a coordinator, a kubelet. What a dead one had under way never
 * happens; what a paused one had waits until it wakes.
 */
export interface Actor {
  dead: boolean;
  paused: boolean;
  /** What came due while it was paused, in order. */
  readonly late: Scheduled[];
}

export function newActor(): Actor {
  return { dead: false, paused: false, late: [] };
}

export interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  /** Undefined: the world itself, which neither dies nor pauses. */
  readonly actor: Actor | undefined;
  readonly kind: SimEventKind;
  readonly what: string;
  readonly node: number;
  readonly coordinator: number;
  readonly run: () => void;
  cancelled: boolean;
  /** True: nobody would notice, so that it happens without being an event. */
  readonly unnoticed: (() => boolean) | undefined;
}

/** What is to happen, in the order of its time: a binary heap. */
export class Scheduler {
  nowMs = 0;
  #order = 0;
  readonly #heap: Scheduled[] = [];

  at(
    delayMs: number,
    actor: Actor | undefined,
    kind: SimEventKind,
    what: string,
    node: number,
    coordinator: number,
    run: () => void,
    unnoticed?: () => boolean,
  ): Scheduled {
    const scheduled: Scheduled = {
      atMs: this.nowMs + (delayMs > 0 ? delayMs : 0),
      order: this.#order,
      actor,
      kind,
      what,
      node,
      coordinator,
      run,
      cancelled: false,
      unnoticed,
    };
    this.#order += 1;
    this.#push(scheduled);
    return scheduled;
  }

  /** The next that can happen, with time moved to it; undefined where nothing ever will. */
  next(): Scheduled | undefined {
    for (;;) {
      const first = this.#pop();
      if (first === undefined) return undefined;
      const { actor } = first;
      if (first.cancelled || actor?.dead === true) continue;
      if (first.atMs > this.nowMs) this.nowMs = first.atMs;
      if (actor?.paused === true) {
        actor.late.push(first);
        continue;
      }
      if (first.unnoticed?.() === true) {
        first.run();
        continue;
      }
      return first;
    }
  }

  /** Lets a paused one go on: what came due meanwhile comes now, in order. */
  wake(actor: Actor): void {
    actor.paused = false;
    for (const late of actor.late.splice(0)) {
      if (late.cancelled) continue;
      this.at(0, actor, late.kind, late.what, late.node, late.coordinator, late.run, late.unnoticed);
    }
  }

  #push(scheduled: Scheduled): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(scheduled);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Scheduled;
      if (isBefore(above, scheduled)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = scheduled;
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Scheduled, heap[child] as Scheduled)) {
        child += 1;
      }
      const below = heap[child] as Scheduled;
      if (isBefore(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
