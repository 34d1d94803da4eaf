import type { Handlers } from '@lockstep/agent/executor/handlers.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { freshAgent } from './agent.ts';
import { IntTable } from './int-table.ts';
import { Invariants } from './invariants.ts';
import { Liveness } from './liveness.ts';
import { Parts } from './parts.ts';
import { type Searched, searchedPlan } from './plan.ts';
import { HAPPENINGS, type Happening, NAMES, type SearchOptions, SLOTS, Successors } from './successors.ts';

export interface SearchSettings extends SearchOptions {
  readonly nodes: number;
  readonly startMembersInTurn: boolean;
  readonly memoryBytes: number;
  readonly deadlineMs: number;
  /** Keeps the edges too, and looks whether every state can reach an end. */
  readonly liveness: boolean;
  /** Instead of the product's: to show that the search finds what is wrong. */
  readonly handlers?: Handlers;
  readonly now: () => number;
  /** Ends the search where it is. */
  readonly stop?: AbortSignal;
  readonly report: (progress: Progress) => void;
}

export interface Progress {
  readonly states: number;
  readonly expanded: number;
  readonly transitions: number;
  readonly depth: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  /** Of this process's processor: the machine may have other work. */
  readonly cpuMs: number;
}

/** Why a search went no further than it did. */
export type Ending = 'whole' | 'memory' | 'time' | 'stopped' | 'violation';

export interface Ends {
  /** "NEEDS_OPERATOR UNDO_FAILED" */
  readonly what: string;
  count: number;
  /** Kinds of faults on the first paths that led there, as sets; minimal ones only. */
  readonly kinds: Set<number>;
  readonly example: number;
}

export interface SearchResult extends Progress {
  readonly ending: Ending;
  readonly violation: { readonly words: string; readonly trace: readonly TraceLine[] } | undefined;
  readonly ends: ReadonlyMap<string, Ends>;
  readonly stuck: number | undefined;
  readonly parts: { agents: number; slots: number; replies: number };
  trace(state: number): TraceLine[];
}

export interface TraceLine {
  readonly happening: Happening;
  readonly node: string | undefined;
  readonly coordinator: string | undefined;
  readonly state: Int32Array;
}

/** Notes beside each state: the state it was reached from, and the kinds of faults on that path. */
const PARENT = 0;
const KINDS = 1;
const REPORT_EVERY = 1 << 15;

class Found extends Error {
  readonly parent: number;
  readonly happening: number;
  readonly node: number;
  readonly slot: number;

  constructor(words: string, parent: number, happening: number, node: number, slot: number) {
    super(words);
    this.parent = parent;
    this.happening = happening;
    this.node = node;
    this.slot = slot;
  }
}

/** Breadth first, so that what is found is found by a shortest path. */
export class Search {
  readonly searched: Searched;
  readonly space: Successors;
  readonly #settings: SearchSettings;
  readonly #parts: Parts;
  readonly #invariants: Invariants;
  readonly #states: IntTable;
  readonly #ends = new Map<string, Ends>();
  readonly #liveness: Liveness | undefined;
  #expanded = 0;
  #transitions = 0;
  #depth = 0;

  constructor(settings: SearchSettings) {
    this.#settings = settings;
    this.searched = searchedPlan(settings.nodes, settings.startMembersInTurn, settings.handlers);
    this.#parts = new Parts(this.searched);
    this.space = new Successors(this.#parts, settings);
    this.#invariants = new Invariants(this.space);
    this.#states = new IntTable(this.space.width, 2);
    this.#liveness = settings.liveness ? new Liveness() : undefined;
  }

  async run(): Promise<SearchResult> {
    const startedMs = this.#settings.now();
    let ending: Ending = 'whole';
    let violation: SearchResult['violation'];
    try {
      ending = await this.#explore(startedMs);
    } catch (thrown) {
      if (!(thrown instanceof Found)) throw thrown;
      ending = 'violation';
      const last: TraceLine = {
        ...this.#line(thrown.happening, thrown.node, thrown.slot),
        state: new Int32Array(0),
      };
      const still = thrown.happening < 0 ? [] : [last];
      violation = { words: thrown.message, trace: [...this.#trace(thrown.parent), ...still] };
    }
    const stuck = ending === 'whole' ? this.#liveness?.unreached(this.#states.size) : undefined;
    return {
      ...this.#progress(startedMs),
      ending,
      violation,
      ends: this.#ends,
      stuck,
      parts: this.#parts.counts,
      trace: (state) => this.#trace(state),
    };
  }

  async #explore(startedMs: number): Promise<Ending> {
    const { settings, states, space } = { settings: this.#settings, states: this.#states, space: this.space };
    states.put(space.first(this.searched.nodes.map((node) => this.#parts.putAgent(freshAgent(node)))));
    states.note(0, PARENT, -1);
    const state = new Int32Array(space.width);
    let levelEnd = 1;
    for (let at = 0; at < states.size; at += 1) {
      if (at === levelEnd) {
        this.#depth += 1;
        levelEnd = states.size;
      }
      states.read(at, state);
      const free = await this.#expand(at, state);
      this.#expanded += 1;
      if (free === 0) {
        const wrong = this.#invariants.checkStill(state);
        if (wrong !== undefined) throw new Found(wrong, at, -1, -1, -1);
        this.#liveness?.end(at);
      }
      if (at % REPORT_EVERY !== 0) continue;
      // A signal to this process is heard only in between.
      await new Promise((resolve) => setImmediate(resolve));
      if (settings.stop?.aborted === true) return 'stopped';
      const progress = this.#progress(startedMs);
      settings.report(progress);
      if (progress.elapsedMs > settings.deadlineMs) return 'time';
      if (progress.bytes > settings.memoryBytes) return 'memory';
    }
    return 'whole';
  }

  async #expand(at: number, state: Int32Array): Promise<number> {
    const { pending } = this.#parts;
    for (;;) {
      const transitions = this.#transitions;
      const edges = this.#liveness?.mark();
      const free = this.space.expand(state, {
        visit: (happening, node, slot) => this.#visit(at, state, happening, node, slot),
        violated: (words, happening, node, slot) => {
          throw new Found(words, at, happening, node, slot);
        },
      });
      if (pending.length === 0) return free;
      await Promise.all(pending.splice(0));
      this.#transitions = transitions;
      if (edges !== undefined) this.#liveness?.rewind(edges);
    }
  }

  #visit(at: number, state: Int32Array, happening: number, node: number, slot: number): void {
    const { next } = this.space;
    const number = this.#states.put(next);
    this.#transitions += 1;
    const name = NAMES[happening] as Happening;
    const { fault } = HAPPENINGS[name];
    if (!fault) this.#liveness?.edge(at, number);
    const { added } = this.#states;
    if (added) {
      this.#states.note(number, PARENT, at);
      const kinds = this.#states.noted(at, KINDS) | (fault ? 1 << faultNumber(happening) : 0);
      this.#states.note(number, KINDS, kinds);
      const wrong = this.#invariants.check(next);
      if (wrong !== undefined) throw new Found(wrong, at, happening, node, slot);
    }
    if (slot >= 0 && next[slot] !== state[slot]) this.#noteEnd(at, number, happening, node, slot, added);
  }

  #noteEnd(at: number, number: number, happening: number, node: number, slot: number, added: boolean): void {
    const { next } = this.space;
    const end = this.#parts.endOf(next[slot] as number);
    if (end === undefined) return;
    const wrong = this.#invariants.checkEnd(next, slot);
    if (wrong !== undefined) throw new Found(wrong, at, happening, node, slot);
    if (!added) return;
    const kinds = this.#states.noted(number, KINDS);
    if (end.outcome === Outcome.OUTCOME_NEEDS_OPERATOR && (kinds & LASTING) === 0) {
      const words = `ended needs-operator ${end.failure?.code} although nothing lasted`;
      throw new Found(words, at, happening, node, slot);
    }
    const outcome = OUTCOME_NAMES[end.outcome] ?? '?';
    const named = end.outcome === Outcome.OUTCOME_NEEDS_OPERATOR;
    const what = named ? `${outcome} ${end.failure?.code}` : outcome;
    let ends = this.#ends.get(what);
    if (ends === undefined) {
      ends = { what, count: 0, kinds: new Set(), example: number };
      this.#ends.set(what, ends);
    }
    ends.count += 1;
    addMinimal(ends.kinds, kinds);
  }

  #progress(startedMs: number): Progress {
    const { user, system } = process.cpuUsage();
    return {
      states: this.#states.size,
      expanded: this.#expanded,
      transitions: this.#transitions,
      depth: this.#depth,
      bytes: process.memoryUsage.rss(),
      elapsedMs: this.#settings.now() - startedMs,
      cpuMs: (user + system) / 1000,
    };
  }

  /** The states on the way there; what led from each to the next is found by going there again. */
  #trace(last: number): TraceLine[] {
    const path: number[] = [];
    for (let at = last; at >= 0; at = this.#states.noted(at, PARENT)) path.unshift(at);
    const lines: TraceLine[] = [];
    const from = new Int32Array(this.space.width);
    for (let index = 0; index + 1 < path.length; index += 1) {
      this.#states.read(path[index] as number, from);
      const to = new Int32Array(this.space.width);
      this.#states.read(path[index + 1] as number, to);
      let line: TraceLine | undefined;
      this.space.expand(from, {
        visit: (happening, node, slot) => {
          const same = this.space.next.every((value, column) => value === to[column]);
          if (same) line ??= { ...this.#line(happening, node, slot), state: to };
        },
        violated: () => undefined,
      });
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }

  #line(happening: number, node: number, slot: number): Omit<TraceLine, 'state'> {
    return {
      happening: NAMES[happening] ?? 'advance',
      node: this.searched.nodes[node],
      coordinator: slot < 0 || slot >= SLOTS ? undefined : 'ab'[slot],
    };
  }
}

const FAULT_NAMES = NAMES.filter((name) => HAPPENINGS[name].fault);

function faultNumber(happening: number): number {
  return FAULT_NAMES.indexOf(NAMES[happening] as Happening);
}

/**
 * What may last until a person must be asked: a node that is away or cannot be written, and
 * whatever takes longer than the longest wait. Nothing else alone is a reason.
 */
const LASTING = ['crash', 'powerLoss', 'break', 'cut', 'slow', 'slowStep'].reduce(
  (all, name) => all | (1 << FAULT_NAMES.indexOf(name as Happening)),
  0,
);

export function faultsOf(kinds: number): Happening[] {
  return FAULT_NAMES.filter((_, index) => (kinds & (1 << index)) !== 0);
}

/** Keeps only sets that have no other within them. */
function addMinimal(sets: Set<number>, added: number): void {
  for (const kept of sets) if ((kept & added) === kept) return;
  for (const kept of sets) if ((kept & added) === added) sets.delete(kept);
  sets.add(added);
}

const OUTCOME_NAMES: Partial<Record<Outcome, string>> = {
  [Outcome.OUTCOME_RESTORED]: 'restored',
  [Outcome.OUTCOME_ROLLED_BACK]: 'rolled-back',
  [Outcome.OUTCOME_REFUSED]: 'refused',
  [Outcome.OUTCOME_NEEDS_OPERATOR]: 'needs-operator',
};
