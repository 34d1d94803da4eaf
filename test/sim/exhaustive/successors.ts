import { failureOf } from '@lockstep/coordinator/core/failures.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { NOBODY, type Reply } from './agent.ts';
import { IntTable } from './int-table.ts';
import {
  FACT,
  isRead,
  type Move,
  type MovedPart,
  type Parts,
  type SlotPart,
  type TurnedPart,
} from './parts.ts';
import { killed, type Slot, started, takingOver } from './slot.ts';

/** Everything that can happen. Those with `fault` cost one of the path's faults. */
export const HAPPENINGS = {
  start: { fault: false, words: 'an operator starts the restore' },
  deliver: { fault: false, words: 'a question arrives' },
  busy: { fault: false, words: 'a question meets an effect in flight' },
  advance: { fault: false, words: 'the step goes on' },
  abortStep: { fault: false, words: 'the step sees that its caller gave up' },
  expire: { fault: false, words: 'the step has waited too long' },
  kubelet: { fault: false, words: 'kubelet acts' },
  restart: { fault: false, words: 'the agent starts' },
  mend: { fault: false, words: 'the disk can be written again' },
  heal: { fault: false, words: 'the link is whole again' },
  unanswered: { fault: false, words: 'no answer comes' },
  late: { fault: false, words: 'a late question arrives' },
  lateLost: { fault: false, words: 'a late question is not obeyed any more' },
  reply: { fault: false, words: 'the answer arrives' },
  retry: { fault: false, words: 'a short timer fires' },
  timer: { fault: false, words: 'a long timer fires' },
  takeOver: { fault: false, words: 'a coordinator takes over' },
  loseQuestion: { fault: true, words: 'the question is lost' },
  loseAnswer: { fault: true, words: 'the answer is lost' },
  delay: { fault: true, words: 'the question is late: nobody waits any more, and it may still arrive' },
  duplicate: { fault: true, words: 'the question is doubled' },
  failStep: { fault: true, words: 'a write fails' },
  overdue: { fault: true, words: 'the step is overdue, says so, and is still in flight' },
  crash: { fault: true, words: 'the agent dies' },
  powerLoss: { fault: true, words: 'the node loses power' },
  break: { fault: true, words: 'the disk cannot be written from here on' },
  cut: { fault: true, words: 'the link is cut' },
  slow: { fault: true, words: 'a long timer fires early: something was slow' },
  slowStep: { fault: true, words: 'the step waits too long' },
  abort: { fault: true, words: 'an operator asks for undo' },
  kill: { fault: true, words: 'the coordinator dies' },
  contend: { fault: true, words: 'another coordinator takes over from one that lives' },
  resume: { fault: true, words: 'an operator asks to go on' },
} as const;

export type Happening = keyof typeof HAPPENINGS;
export const NAMES = Object.keys(HAPPENINGS) as Happening[];
const CODE = Object.fromEntries(NAMES.map((name, index) => [name, index])) as Record<Happening, number>;

/** What lies in a channel between a coordinator and a node; from REPLY on, the number of a reply. */
export const EMPTY = 0;
const ASKED = 1;
const EXECUTING = 2;
export const REPLY = 3;
const MAX_LATE = 2;
/** Ends of what lasts, and what goes on meanwhile. */
const WAITING: ReadonlySet<Happening> = new Set(['heal', 'mend', 'restart', 'unanswered', 'expire', 'timer']);
const SHORT = /^(retry|gate-retry)/;

/** Columns of a state: two coordinators, the nodes, and the faults that are left with what clients were told. */
export const SLOTS = 2;
const ACKED = 1;
const FAULT = 2;

export interface Visitor {
  /** The scratch row holds the state that follows. `who`: a node's index, or -1; `slot`: a coordinator's, or -1. */
  visit(happening: number, who: number, slot: number): void;
  /** What must never happen did. */
  violated(words: string, happening: number, who: number, slot: number): void;
}

export interface SearchOptions {
  readonly faults: number;
  /** 1: nobody stands by. */
  readonly coordinators: number;
  readonly only: ReadonlySet<Happening> | undefined;
  /** Follows one order only of what cannot matter to anybody, once no fault is left. */
  readonly reduce: boolean;
}

/**
 * The states that may follow one. A state is a row of numbers; so is what each node adds to it:
 * its agent, a channel to each coordinator, and what is on the way besides.
 */
export class Successors {
  readonly parts: Parts;
  readonly nodes: IntTable;
  readonly next: Int32Array;
  readonly #options: SearchOptions;
  readonly #count: number;
  readonly #now: Int32Array;
  readonly #row = new Int32Array(2 + SLOTS);
  #free = 0;
  /** Of those, what is not only waiting for a node that is away or cannot write. */
  #progress = 0;

  constructor(parts: Parts, options: SearchOptions) {
    this.parts = parts;
    this.#options = options;
    this.#count = parts.searched.nodes.length;
    this.nodes = new IntTable(2 + SLOTS);
    this.next = new Int32Array(this.width);
    this.#now = new Int32Array(this.width);
  }

  get width(): number {
    return SLOTS + this.#count + 1;
  }

  first(agents: readonly number[]): Int32Array {
    const net = this.parts.nets.put({ cut: 0, late: [] });
    this.next[0] = this.parts.putSlot({ name: 'a', run: 1, state: 'idle' });
    this.next[1] = this.parts.putSlot({ name: 'b', run: 1, state: 'idle' });
    agents.forEach((agent, index) => {
      this.next[SLOTS + index] = this.nodes.put([agent, EMPTY, EMPTY, net]);
    });
    this.next[SLOTS + this.#count] = this.#options.faults * FAULT;
    return this.next;
  }

  /** Visits each. Parts that must be worked out first are left in `parts.pending`; then visit anew. */
  expand(state: Int32Array, visitor: Visitor): number {
    this.#now.set(state);
    this.#free = 0;
    this.#progress = 0;
    const faults = this.#globals >> 1 > 0;
    if (!faults && this.#options.reduce) {
      const alone = this.#alone();
      if (this.parts.pending.length > 0) return 0;
      if (alone !== undefined) {
        this.#one(alone, visitor);
        return this.#free;
      }
    }
    for (let node = 0; node < this.#count; node += 1) this.#ofNode(node, faults, visitor);
    for (let slot = 0; slot < SLOTS; slot += 1) this.#ofSlot(slot, faults, visitor);
    if (this.#progress === 0 && this.parts.pending.length === 0) {
      // Nothing but waiting is left: then time passes.
      for (let node = 0; node < this.#count; node += 1) this.#expire(node, false, visitor);
      for (let slot = 0; slot < SLOTS; slot += 1) this.#longTimers(slot, false, visitor);
    }
    return this.#free;
  }

  factsOf(state: ArrayLike<number>, node: number): number {
    return this.parts.agent(this.nodes.get(state[SLOTS + node] as number, 0)).facts;
  }

  agentOf(state: ArrayLike<number>, node: number): number {
    return this.nodes.get(state[SLOTS + node] as number, 0);
  }

  netOf(state: ArrayLike<number>, node: number): number {
    return this.nodes.get(state[SLOTS + node] as number, 1 + SLOTS);
  }

  channelOf(state: ArrayLike<number>, node: number, slot: number): number {
    return this.nodes.get(state[SLOTS + node] as number, 1 + slot);
  }

  isAcknowledged(state: ArrayLike<number>): boolean {
    return ((state[SLOTS + this.#count] as number) & ACKED) !== 0;
  }

  get #globals(): number {
    return this.#now[SLOTS + this.#count] as number;
  }

  #ofNode(node: number, faults: boolean, visitor: Visitor): void {
    const id = this.agentOf(this.#now, node);
    const { value: agent, violation } = this.parts.agent(id);
    if (violation !== undefined) visitor.violated(violation, CODE.advance, node, -1);
    for (const after of this.parts.variants(id, 'kubelet')) {
      this.#begin();
      this.#setAgent(node, after);
      this.#emit('kubelet', node, -1, visitor);
    }
    if (agent.broken) this.#variant('mend', 'mend', node, visitor);
    if (!agent.up) this.#variant('restart', 'start', node, visitor);
    const net = this.parts.nets.get(this.netOf(this.#now, node));
    for (let slot = 0; slot < SLOTS; slot += 1) this.#channel(node, slot, net.cut, faults, visitor);
    if (agent.up) {
      this.#late(node, net.late, agent.inFlight !== undefined, visitor);
      if (agent.inFlight !== undefined) this.#inFlight(node, faults, visitor);
    }
    if (!faults) return;
    if (agent.up) this.#fall(node, 'crash', 'crash', visitor);
    this.#fall(node, 'powerLoss', 'power-loss', visitor);
    if (!agent.broken) this.#variant('break', 'break', node, visitor);
  }

  /** Between one coordinator and one node. */
  #channel(node: number, slot: number, cut: number, faults: boolean, visitor: Visitor): void {
    const channel = this.channelOf(this.#now, node, slot);
    const isCut = (cut & (1 << slot)) !== 0;
    const id = this.agentOf(this.#now, node);
    const { up, inFlight } = this.parts.agent(id).value;
    const slotPart = this.parts.slot(this.#now[slot] as number);
    if (isCut) {
      this.#begin();
      this.#setNet(node, { cut: cut & ~(1 << slot) });
      this.#emit('heal', node, slot, visitor);
    }
    if (channel === ASKED) {
      const ask = slotPart.asks[node] as number;
      if (isCut || !up) {
        this.#begin();
        this.#setChannel(node, slot, REPLY + this.parts.unreachable);
        this.#emit('unanswered', node, slot, visitor);
        // The deadline of any other question passes before every long timer.
        if (this.parts.asks.get(ask).kind !== 'execute') this.#progress += 1;
      }
      const reads = isRead(this.parts.asks.get(ask));
      if (!isCut && up) this.#deliver(node, slot, ask, inFlight !== undefined && !reads, faults, visitor);
      if (faults && !isCut && up) {
        this.#begin();
        this.#setChannel(node, slot, REPLY + this.parts.unreachable);
        this.#emit('loseQuestion', node, slot, visitor);
        if (!reads) {
          if (this.#beginLate(node, ask)) {
            this.#setChannel(node, slot, REPLY + this.parts.unreachable);
            this.#emit('delay', node, slot, visitor);
          }
          if (this.#beginLate(node, ask)) this.#emit('duplicate', node, slot, visitor);
        }
      }
    } else if (channel !== EMPTY && faults && channel !== REPLY + this.parts.unreachable && !isCut) {
      this.#begin();
      this.#drop(node, slot);
      this.#setChannel(node, slot, REPLY + this.parts.unreachable);
      this.#emit('loseAnswer', node, slot, visitor);
    }
    if (faults && !isCut && slotPart.running) {
      this.#begin();
      if (channel !== EMPTY && channel !== ASKED) {
        this.#drop(node, slot);
        this.#setChannel(node, slot, REPLY + this.parts.unreachable);
      }
      this.#setNet(node, { cut: cut | (1 << slot) });
      this.#emit('cut', node, slot, visitor);
    }
  }

  #deliver(node: number, slot: number, ask: number, busy: boolean, faults: boolean, visitor: Visitor): void {
    const happening = busy ? 'busy' : 'deliver';
    const moved = this.#move(node, { kind: happening, ask, from: slot });
    if (moved !== undefined) {
      this.#begin();
      this.#setChannel(node, slot, EXECUTING);
      this.#applyMove(node, moved, slot);
      this.#emitMove(happening, node, slot, moved, visitor);
    }
    const writes = !busy && !isRead(this.parts.asks.get(ask));
    if (!faults || !writes) return;
    const failed = this.#move(node, { kind: 'deliver-fails', ask, from: slot });
    if (failed === undefined) return;
    this.#begin();
    this.#setChannel(node, slot, EXECUTING);
    this.#applyMove(node, failed, slot);
    this.#emitMove('failStep', node, slot, failed, visitor);
  }

  #late(node: number, late: readonly number[], busy: boolean, visitor: Visitor): void {
    late.forEach((ask, index) => {
      const rest = late.filter((_, at) => at !== index);
      if (busy) {
        this.#begin();
        this.#setNet(node, { late: rest });
        this.#emit('lateLost', node, -1, visitor);
        return;
      }
      const moved = this.#move(node, { kind: 'deliver', ask, from: NOBODY });
      if (moved === undefined) return;
      this.#begin();
      this.#setNet(node, { late: rest });
      this.#applyMove(node, moved, NOBODY);
      this.#emitMove('late', node, -1, moved, visitor);
    });
  }

  #inFlight(node: number, faults: boolean, visitor: Visitor): void {
    const { inFlight } = this.parts.agent(this.agentOf(this.#now, node)).value;
    const from = inFlight?.from ?? NOBODY;
    const unseen = this.#options.reduce ? this.parts.unseenMoves(this.agentOf(this.#now, node)) : [];
    this.#goOn(node, unseen, visitor);
    this.#fails(node, from, faults, visitor);
    for (const agent of unseen) this.#onTheWay(node, agent, from, faults, visitor);
    if (!faults) return;
    this.#expire(node, true, visitor);
    if (from === NOBODY) return;
    this.#begin();
    this.#drop(node, from);
    this.#setChannel(node, from, REPLY + this.parts.replies.put(OVERDUE));
    this.#emit('overdue', node, from, visitor);
  }

  /**
   * Moves that nobody sees are taken together with the one after them. Whatever others do between
   * them could as well have been done before them, so no order is lost but of what cannot be told
   * apart; what befalls the node itself on the way does not commute, and is followed from each.
   */
  #goOn(node: number, unseen: readonly number[], visitor: Visitor): void {
    const last = unseen.at(-1);
    if (last === undefined) return this.#step('advance', { kind: 'go' }, node, visitor);
    const from = this.parts.agent(last).value.inFlight?.from ?? NOBODY;
    const moved = this.parts.move(last, { kind: 'go' }, this.#peersOf(node));
    if (moved === undefined) return;
    const agent = moved === 'waits' ? { agent: last, reply: -1, violation: undefined } : moved;
    this.#begin();
    this.#applyMove(node, agent, from);
    this.#emitMove('advance', node, from, agent, visitor);
  }

  #fails(node: number, from: number, faults: boolean, visitor: Visitor): void {
    if (from === NOBODY) this.#step('abortStep', { kind: 'abort' }, node, visitor);
    if (faults) this.#step('failStep', { kind: 'fail' }, node, visitor);
  }

  /** Where a step stands between two moves that are taken together: as if it had been left there. */
  #onTheWay(node: number, agent: number, from: number, faults: boolean, visitor: Visitor): void {
    if (!faults && from !== NOBODY) return;
    const at = this.#now[SLOTS + node] as number;
    this.nodes.read(at, this.#row);
    this.#row[0] = agent;
    this.#now[SLOTS + node] = this.nodes.put(this.#row);
    this.#fails(node, from, faults, visitor);
    if (faults) {
      this.#fall(node, 'crash', 'crash', visitor);
      this.#fall(node, 'powerLoss', 'power-loss', visitor);
      if (!this.parts.agent(agent).value.broken) this.#variant('break', 'break', node, visitor);
    }
    this.#now[SLOTS + node] = at;
  }

  #expire(node: number, early: boolean, visitor: Visitor): void {
    const { inFlight, up } = this.parts.agent(this.agentOf(this.#now, node)).value;
    if (!up || inFlight === undefined || this.#move(node, { kind: 'go' }) !== 'waits') return;
    this.#step(early ? 'slowStep' : 'expire', { kind: 'expire' }, node, visitor);
  }

  #step(happening: Happening, move: Move, node: number, visitor: Visitor): void {
    const moved = this.#move(node, move);
    if (moved === undefined || moved === 'waits') return;
    const from = this.parts.agent(this.agentOf(this.#now, node)).value.inFlight?.from ?? NOBODY;
    this.#begin();
    this.#applyMove(node, moved, from);
    this.#emitMove(happening, node, from, moved, visitor);
  }

  /** The agent's end, and whatever it was about to hear or say. */
  #fall(node: number, happening: Happening, what: 'crash' | 'power-loss', visitor: Visitor): void {
    for (const after of this.parts.variants(this.agentOf(this.#now, node), what)) {
      this.#begin();
      this.#setAgent(node, after);
      this.#setNet(node, { late: [] });
      for (let slot = 0; slot < SLOTS; slot += 1) {
        if (this.channelOf(this.next, node, slot) === EXECUTING) {
          this.#setChannel(node, slot, REPLY + this.parts.unreachable);
        }
      }
      this.#emit(happening, node, -1, visitor);
    }
  }

  #variant(happening: Happening, what: 'mend' | 'start' | 'break', node: number, visitor: Visitor): void {
    const [after] = this.parts.variants(this.agentOf(this.#now, node), what);
    this.#begin();
    this.#setAgent(node, after as number);
    this.#emit(happening, node, -1, visitor);
  }

  #ofSlot(slot: number, faults: boolean, visitor: Visitor): void {
    const id = this.#now[slot] as number;
    const part = this.parts.slot(id);
    if (!part.running) return this.#begins(slot, faults, visitor);
    for (let node = 0; node < this.#count; node += 1) {
      const channel = this.channelOf(this.#now, node, slot);
      if (channel < REPLY) continue;
      this.#begin();
      this.#setChannel(node, slot, EMPTY);
      this.#turn('reply', slot, node, this.parts.turn(id, { reply: channel - REPLY, node }), visitor);
    }
    part.timers.forEach((purpose, timer) => {
      if (!SHORT.test(purpose)) return;
      this.#begin();
      const progress = this.#progress;
      this.#turn('retry', slot, -1, this.parts.turn(id, { timer }), visitor);
      const named = this.parts.searched.nodes.indexOf(purpose.replace('retry ', ''));
      const waits = named < 0 ? this.#someAway(slot) : this.#isAway(named, slot);
      if (waits) this.#progress = progress;
    });
    if (!faults) return;
    this.#longTimers(slot, true, visitor);
    if (part.mayAbort) {
      this.#begin();
      this.#turn('abort', slot, -1, this.parts.turn(id, 'abort'), visitor);
    }
    this.#kill(slot, visitor);
  }

  #longTimers(slot: number, early: boolean, visitor: Visitor): void {
    const id = this.#now[slot] as number;
    const part = this.parts.slot(id);
    if (!part.running) return;
    part.timers.forEach((purpose, timer) => {
      if (SHORT.test(purpose)) return;
      // Set at one moment with the grace, and with questions whose deadlines are shorter.
      if (purpose === 'patience' && (part.timers.includes('grace') || (!early && this.#asks(slot)))) return;
      this.#begin();
      this.#turn(early ? 'slow' : 'timer', slot, -1, this.parts.turn(id, { timer }), visitor);
    });
  }

  #asks(slot: number): boolean {
    for (let node = 0; node < this.#count; node += 1) {
      if (this.channelOf(this.#now, node, slot) === ASKED) return true;
    }
    return false;
  }

  /** What it had asked may have left before it died, and arrive at any time after. */
  #kill(slot: number, visitor: Visitor): void {
    const id = this.#now[slot] as number;
    const { asks } = this.parts.slot(id);
    for (let late = -1; late < this.#count; late += 1) {
      if (late >= 0) {
        if (this.channelOf(this.#now, late, slot) !== ASKED) continue;
        const ask = asks[late] as number;
        if (isRead(this.parts.asks.get(ask)) || !this.#beginLate(late, ask)) continue;
      } else this.#begin();
      this.next[slot] = this.parts.slotVariant(id, 'killed', killed);
      for (let node = 0; node < this.#count; node += 1) {
        this.#drop(node, slot);
        this.#setChannel(node, slot, EMPTY);
        this.#setNet(node, { cut: this.#cutOf(node) & ~(1 << slot) });
      }
      this.#emit('kill', -1, slot, visitor);
    }
  }

  /** Whoever runs no operation takes up one that is open, if it can read of it. */
  #begins(slot: number, faults: boolean, visitor: Visitor): void {
    const id = this.#now[slot] as number;
    const { value } = this.parts.slot(id);
    const isFirst = slot === 0 && value.state === 'idle';
    if (isFirst) {
      this.#begin();
      this.next[slot] = this.parts.slotVariant(id, 'started', (each) => started(each, this.parts.searched));
      this.#turn('start', slot, -1, this.parts.turn(this.next[slot], 'started'), visitor);
      return;
    }
    if (slot >= this.#options.coordinators || !this.#seesOpen(slot)) return;
    const other = this.parts.slot(this.#now[1 - slot] as number).value;
    if (other.state === 'idle' && slot === 1) return;
    const waits = this.parts.endOf(id)?.outcome === Outcome.OUTCOME_NEEDS_OPERATOR;
    const happening = waits ? 'resume' : isOut(other) ? 'takeOver' : 'contend';
    if (HAPPENINGS[happening].fault && !faults) return;
    this.#begin();
    this.next[slot] = this.parts.slotVariant(id, 'taking', (each) => takingOver(each, this.parts.searched));
    this.#turn(happening, slot, -1, this.parts.turn(this.next[slot], 'started'), visitor);
  }

  /**
   * A node whose next move may be taken alone, before all else (an ample set of one). No fault is
   * left; one coordinator runs and nobody may contend; nothing is late, cut, down or broken; and no
   * node can answer with a failure. So nobody gives up waiting and nothing else can reach this node
   * before it has answered: whatever others do commutes with its move. The move changes nothing
   * that an invariant or another node looks at, does not depend on what they do, and cannot be
   * repeated for ever. Undefined also where that is yet to be worked out.
   */
  #alone(): Alone | undefined {
    const [first, second] = [
      this.parts.slot(this.#now[0] as number),
      this.parts.slot(this.#now[1] as number),
    ];
    if (first.running === second.running) return undefined;
    const slot = first.running ? 0 : 1;
    const part = first.running ? first : second;
    if (part.timers.some((purpose) => SHORT.test(purpose))) return undefined;
    let calm = true;
    for (let node = 0; node < this.#count; node += 1) calm = this.#isCalm(node, slot, part) && calm;
    if (!calm || this.parts.pending.length > 0) return undefined;
    for (let node = 0; node < this.#count; node += 1) {
      const move = this.#localMove(node, slot, part);
      if (move === undefined) continue;
      const moved = this.parts.unseenMove(this.agentOf(this.#now, node), move);
      if (moved === undefined) return undefined;
      if (moved !== 'seen')
        return { node, slot, moved, happening: move.kind === 'go' ? 'advance' : 'deliver' };
    }
    return undefined;
  }

  #isCalm(node: number, slot: number, { asks }: SlotPart): boolean {
    const id = this.agentOf(this.#now, node);
    const { up, broken, inFlight } = this.parts.agent(id).value;
    const { cut, late } = this.parts.nets.get(this.netOf(this.#now, node));
    if (!up || broken || cut !== 0 || late.length > 0) return false;
    if (inFlight !== undefined && inFlight.from !== slot) return false;
    const channel = this.channelOf(this.#now, node, slot);
    if (channel >= REPLY) return this.parts.isGood(channel - REPLY);
    return channel === EMPTY || this.parts.answersWell(id, channel === ASKED ? (asks[node] as number) : -1);
  }

  #localMove(node: number, slot: number, { asks }: SlotPart): Move | undefined {
    const channel = this.channelOf(this.#now, node, slot);
    if (channel === EXECUTING) return { kind: 'go' };
    if (channel !== ASKED) return undefined;
    const ask = asks[node] as number;
    return this.parts.asks.get(ask).kind === 'observe' ? undefined : { kind: 'deliver', ask, from: slot };
  }

  #one({ node, slot, moved, happening }: Alone, visitor: Visitor): void {
    this.#begin();
    this.#setChannel(node, slot, EXECUTING);
    const unseen = moved.reply < 0 ? this.parts.unseenMoves(moved.agent).at(-1) : undefined;
    this.#applyMove(node, unseen === undefined ? moved : { ...moved, agent: unseen }, slot);
    this.#emit(happening, node, slot, visitor);
  }

  #seesOpen(slot: number): boolean {
    for (let node = 0; node < this.#count; node += 1) {
      const part = this.parts.agent(this.agentOf(this.#now, node));
      const cut = (this.#cutNow(node) & (1 << slot)) !== 0;
      if (part.value.up && !cut && (part.facts & FACT.unended) !== 0) return true;
    }
    return false;
  }

  /** Away, or unable to write: whoever waits for it waits as long as that lasts. */
  #isAway(node: number, slot: number): boolean {
    const { up, broken } = this.parts.agent(this.agentOf(this.#now, node)).value;
    return !up || broken || (this.#cutNow(node) & (1 << slot)) !== 0;
  }

  #someAway(slot: number): boolean {
    for (let node = 0; node < this.#count; node += 1) if (this.#isAway(node, slot)) return true;
    return false;
  }

  #turn(happening: Happening, slot: number, node: number, turned: TurnedPart, visitor: Visitor): void {
    if (turned.violation !== undefined) visitor.violated(turned.violation, CODE[happening], node, slot);
    const before = this.parts.slot(this.#now[slot] as number);
    this.next[slot] = turned.slot;
    const unheard: number[] = [];
    for (const { kind, node: called } of turned.calls) {
      if (kind === 'call') this.#setChannel(called, slot, ASKED);
      else {
        if (this.channelOf(this.next, called, slot) === ASKED) unheard.push(called);
        this.#drop(called, slot);
        this.#setChannel(called, slot, EMPTY);
      }
    }
    this.#emit(happening, node, slot, visitor);
    if (HAPPENINGS[happening].fault || this.#globals >> 1 === 0) return;
    const kept = this.next.slice();
    for (const called of unheard) {
      const ask = before.asks[called] as number;
      if (isRead(this.parts.asks.get(ask))) continue;
      this.next.set(kept);
      if (this.#addLate(called, ask)) this.#emit('delay', called, slot, visitor);
    }
  }

  #move(node: number, move: Move): MovedPart | 'waits' | undefined {
    return this.parts.move(this.agentOf(this.#now, node), move, this.#peersOf(node));
  }

  /** With one other of three a member makes a quorum; of fewer nodes every other is needed. */
  #peersOf(node: number): number {
    let old = 0;
    let fresh = 0;
    for (let other = 0; other < this.#count; other += 1) {
      if (other === node) continue;
      const facts = this.factsOf(this.#now, other);
      if ((facts & FACT.etcdOld) !== 0) old += 1;
      if ((facts & FACT.etcdNew) !== 0) fresh += 1;
    }
    const needed = this.parts.quorum - 1;
    return (old >= needed ? 1 : 0) | (fresh >= needed ? 2 : 0);
  }

  #begin(): void {
    this.next.set(this.#now);
  }

  /** False where so many are late already that one more is not followed. */
  #beginLate(node: number, ask: number): boolean {
    this.#begin();
    return this.#addLate(node, ask);
  }

  #addLate(node: number, ask: number): boolean {
    const { late } = this.parts.nets.get(this.netOf(this.next, node));
    if (late.length >= MAX_LATE) return false;
    this.#setNet(node, { late: [...late, ask].sort((a, b) => a - b) });
    return true;
  }

  #cutOf(node: number): number {
    return this.parts.nets.get(this.netOf(this.next, node)).cut;
  }

  #cutNow(node: number): number {
    return this.parts.nets.get(this.netOf(this.#now, node)).cut;
  }

  /** The answer to what was asked of this node is not heard any more, whatever becomes of it. */
  #drop(node: number, slot: number): void {
    if (this.channelOf(this.next, node, slot) !== EXECUTING) return;
    const [after] = this.parts.variants(this.agentOf(this.next, node), 'unheard');
    this.#setAgent(node, after as number);
  }

  #applyMove(node: number, moved: MovedPart | 'waits', from: number): void {
    if (moved === 'waits') throw new Error('what waits does not move');
    this.#setAgent(node, moved.agent);
    if (moved.reply >= 0 && from !== NOBODY) this.#setChannel(node, from, REPLY + moved.reply);
  }

  #emitMove(
    happening: Happening,
    node: number,
    slot: number,
    moved: MovedPart | 'waits',
    visitor: Visitor,
  ): void {
    if (moved !== 'waits' && moved.violation !== undefined) {
      visitor.violated(moved.violation, CODE[happening], node, slot);
    }
    this.#emit(happening, node, slot, visitor);
  }

  #emit(happening: Happening, node: number, slot: number, visitor: Visitor): void {
    const { only } = this.#options;
    const { fault } = HAPPENINGS[happening];
    if (fault && only !== undefined && !only.has(happening)) return;
    const globals = SLOTS + this.#count;
    this.next[globals] = (this.#globals - (fault ? FAULT : 0)) | this.#acknowledged();
    if (!fault) this.#free += 1;
    if (!fault && !WAITING.has(happening)) this.#progress += 1;
    visitor.visit(CODE[happening], node, slot);
  }

  /** A client's write is acknowledged where an API server finds a quorum of NEW. */
  #acknowledged(): number {
    let fresh = 0;
    let api = false;
    for (let node = 0; node < this.#count; node += 1) {
      const facts = this.factsOf(this.next, node);
      if ((facts & FACT.etcdNew) === 0) continue;
      fresh += 1;
      if ((facts & FACT.api) !== 0) api = true;
    }
    return api && fresh >= this.parts.quorum ? ACKED : 0;
  }

  #setAgent(node: number, agent: number): void {
    this.#set(node, 0, agent);
  }

  #setChannel(node: number, slot: number, channel: number): void {
    this.#set(node, 1 + slot, channel);
  }

  #setNet(node: number, change: { cut?: number; late?: readonly number[] }): void {
    const net = this.parts.nets.get(this.netOf(this.next, node));
    this.#set(node, 1 + SLOTS, this.parts.nets.put({ ...net, ...change }));
  }

  #set(node: number, column: number, value: number): void {
    this.nodes.read(this.next[SLOTS + node] as number, this.#row);
    if (this.#row[column] === value) return;
    this.#row[column] = value;
    this.next[SLOTS + node] = this.nodes.put(this.#row);
  }
}

/** A move that is taken alone, before all else. */
interface Alone {
  readonly node: number;
  readonly slot: number;
  readonly moved: MovedPart;
  readonly happening: 'advance' | 'deliver';
}

/** Whoever led an operation last leads on, alive and done with it too. */
function isOut({ state }: Slot): boolean {
  return typeof state === 'string' || state.stage.kind === 'superseded';
}

const OVERDUE: Reply = { kind: 'failure', failure: failureOf('STEP_TIMED_OUT', 'overdue') };
