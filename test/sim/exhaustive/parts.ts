import { isUndoing } from '@lockstep/agent/core/operation.ts';
import { viewOf } from '@lockstep/agent/ledger/records.ts';
import type { Ask } from '@lockstep/coordinator/core/events.ts';
import { failureOf } from '@lockstep/coordinator/core/failures.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import {
  type Agent,
  advance,
  agentKey,
  askKey,
  deliver,
  deliverToBusy,
  type Moved,
  NOBODY,
  type Reply,
  replyKey,
} from './agent.ts';
import { Interner } from './int-table.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { CLUSTER, ledgerIdOf, type Searched } from './plan.ts';
import type { Mode } from './recorder.ts';
import {
  type Call,
  endOf,
  isRunning,
  mayAskForUndo,
  operationOf,
  purposeKey,
  type Slot,
  type SlotEvent,
  slotKey,
  turn,
} from './slot.ts';
import { afterKubelet, afterPowerLoss, kubeletActs, type World } from './world.ts';

/** What invariants look at on one node, as bits. */
export const FACT = {
  etcdOld: 1,
  etcdNew: 2,
  api: 4,
  committed: 8,
  closed: 16,
  undone: 32,
  undoing: 64,
  undoStarted: 128,
  /** Held, and neither undone nor closed. */
  unended: 256,
  held: 512,
  /** OLD in place for good, its manifests back, nothing held. */
  oldRestored: 1024,
  newServing: 2048,
} as const;

/** What others look at: an invariant, or another node. */
export const SEEN =
  FACT.etcdOld | FACT.etcdNew | FACT.api | FACT.committed | FACT.undone | FACT.undoing | FACT.undoStarted;

export interface AgentPart {
  readonly value: Agent;
  readonly facts: number;
  readonly violation: string | undefined;
  readonly moves: Map<number, MovedPart | 'waits'>;
  /** What the step in flight does next that nobody can see, one move after another; undefined until it is worked out. */
  unseen: readonly number[] | undefined;
  /** By question, or -1 for what is in flight: whether it can only be answered well. */
  readonly answersWell: Map<number, boolean>;
  readonly variants: Map<string, readonly number[]>;
}

export interface MovedPart {
  readonly agent: number;
  /** -1: none yet. */
  readonly reply: number;
  readonly violation: string | undefined;
}

export interface SlotPart {
  readonly value: Slot;
  readonly running: boolean;
  /** By node: the number of the question under way, or -1. */
  readonly asks: readonly number[];
  readonly timers: readonly string[];
  readonly mayAbort: boolean;
  readonly turns: Map<number, TurnedPart>;
  readonly variants: Map<string, number>;
}

export interface TurnedPart {
  readonly slot: number;
  readonly calls: readonly Call[];
  readonly violation: string | undefined;
}

/** What lies between the coordinators and a node. */
export interface Net {
  /** One bit a slot: no message passes between it and this node. */
  readonly cut: number;
  /** Questions that nobody waits for any more, and that may still arrive. */
  readonly late: readonly number[];
}

export type Move =
  | { readonly kind: 'deliver' | 'deliver-fails' | 'busy'; readonly ask: number; readonly from: number }
  | { readonly kind: Mode };

const MOVE_KINDS = { deliver: 0, 'deliver-fails': 1, busy: 2, go: 3, fail: 4, abort: 5, expire: 6 } as const;

/**
 * The parts that states are made of, each kept once under a number, and what follows from each,
 * worked out once. The core and the executor run only here.
 */
export class Parts {
  readonly searched: Searched;
  readonly asks = new Interner<Ask>(askKey);
  readonly replies = new Interner<Reply>(replyKey);
  readonly nets = new Interner<Net>(({ cut, late }) => `${cut} ${late.join()}`);
  readonly unreachable: number;
  /** Work that must be awaited before what was asked for is known. */
  readonly pending: Promise<void>[] = [];
  readonly #agents = new Interner<AgentPart>((part) => agentKey(part.value));
  readonly #slots = new Interner<SlotPart>((part) => slotKey(part.value));
  #quorum: number;

  constructor(searched: Searched) {
    this.searched = searched;
    this.#quorum = Math.floor(searched.nodes.length / 2) + 1;
    const failure = failureOf('UNREACHABLE', 'no answer');
    this.unreachable = this.replies.put({ kind: 'failure', failure });
  }

  get quorum(): number {
    return this.#quorum;
  }

  get counts(): { agents: number; slots: number; replies: number } {
    return {
      agents: this.#agents.values.length,
      slots: this.#slots.values.length,
      replies: this.replies.values.length,
    };
  }

  agent(id: number): AgentPart {
    return this.#agents.get(id);
  }

  slot(id: number): SlotPart {
    return this.#slots.get(id);
  }

  putAgent(value: Agent): number {
    return this.#agents.put({
      value,
      facts: factsOf(value, this.searched),
      violation: brokenBy(value.world),
      moves: new Map(),
      unseen: undefined,
      answersWell: new Map(),
      variants: new Map(),
    });
  }

  putSlot(value: Slot): number {
    const operation = operationOf(value);
    const asks = this.searched.nodes.map((node) => {
      const call = [...(operation?.calls.values() ?? [])].find((each) => each.node === node);
      return call === undefined ? -1 : this.asks.put(call.ask);
    });
    return this.#slots.put({
      value,
      running: isRunning(value),
      asks,
      timers: [...new Set([...(operation?.timers.values() ?? [])].map(purposeKey))].sort(),
      mayAbort: mayAskForUndo(value),
      turns: new Map(),
      variants: new Map(),
    });
  }

  /** What an agent does next; 'waits' where it cannot, undefined where that is being worked out. */
  move(id: number, move: Move, peers: number): MovedPart | 'waits' | undefined {
    const part = this.agent(id);
    const asked = 'ask' in move ? move.ask * 4 + move.from + 1 : 0;
    const key = (asked * 4 + peers) * 8 + MOVE_KINDS[move.kind];
    const known = part.moves.get(key);
    if (known !== undefined) return known;
    this.pending.push(
      this.#work(part.value, move, peers).then((moved) => {
        part.moves.set(key, moved === undefined ? 'waits' : this.#moved(moved));
      }),
    );
    return undefined;
  }

  /**
   * The agents that follow as the step in flight goes on, as long as no move is seen by others,
   * depends on them, answers, or meets kubelet. Empty also while that is being worked out.
   */
  unseenMoves(id: number): readonly number[] {
    const first = this.agent(id);
    if (first.unseen !== undefined) return first.unseen;
    const unseen: number[] = [];
    for (let at = id; ; ) {
      const moved = this.unseenMove(at, { kind: 'go' });
      if (moved === undefined) return [];
      if (moved === 'seen' || moved.reply >= 0) break;
      unseen.push(moved.agent);
      at = moved.agent;
    }
    first.unseen = unseen;
    return unseen;
  }

  /** A move, if it is the same whatever others do, and they do not see it. Undefined while that is being worked out. */
  unseenMove(id: number, move: Move): MovedPart | 'seen' | undefined {
    if (this.variants(id, 'kubelet').length > 0) return 'seen';
    const moves = [0, 1, 2, 3].map((peers) => this.move(id, move, peers));
    if (moves.includes(undefined)) return undefined;
    const [one] = moves;
    if (one === undefined || one === 'waits' || one.violation !== undefined) return 'seen';
    const same = moves.every(
      (each) =>
        each !== undefined && each !== 'waits' && each.agent === one.agent && each.reply === one.reply,
    );
    const seen = (this.agent(id).facts ^ this.agent(one.agent).facts) & SEEN;
    return same && seen === 0 ? one : 'seen';
  }

  isGood(reply: number): boolean {
    const value = this.replies.get(reply);
    if (value.kind === 'failure') return false;
    if (value.answer.kind !== 'execute') return true;
    const { failure, drift } = value.answer.result;
    return failure === undefined && drift.length === 0;
  }

  /**
   * Whether a node answers what it was asked (-1: what it is doing) without a failure, whatever
   * others do meanwhile: every local course is followed. False also while that is being worked out.
   */
  answersWell(id: number, ask: number): boolean {
    const { answersWell } = this.agent(id);
    const known = answersWell.get(ask);
    if (known !== undefined) return known;
    const well = this.#followAll(id, ask);
    if (well === undefined) return false;
    answersWell.set(ask, well);
    return well;
  }

  #followAll(id: number, ask: number): boolean | undefined {
    const open = [{ id, begun: ask < 0 }];
    const seen = new Set<string>();
    let known = true;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const key = `${at.id} ${at.begun}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const move: Move = at.begun ? { kind: 'go' } : { kind: 'deliver', ask, from: 0 };
      for (const after of this.variants(at.id, 'kubelet')) open.push({ id: after, begun: at.begun });
      for (let peers = 0; peers < 4; peers += 1) {
        const moved = this.move(at.id, move, peers);
        if (moved === undefined) known = false;
        else if (moved !== 'waits') {
          if (moved.reply < 0) open.push({ id: moved.agent, begun: true });
          else if (!this.isGood(moved.reply)) return false;
        }
      }
    }
    return known ? true : undefined;
  }

  #work(agent: Agent, move: Move, bits: number): Promise<Moved | undefined> {
    const { searched } = this;
    const peers = { old: (bits & 1) !== 0, new: (bits & 2) !== 0 };
    if (!('ask' in move)) return advance(searched, agent, peers, move.kind);
    const ask = this.asks.get(move.ask);
    if (move.kind === 'busy') return deliverToBusy(searched, agent, peers, ask);
    // Whoever only asks how things are is answered beside what is in flight.
    const asked = isRead(ask) ? { ...agent, inFlight: undefined } : agent;
    const mode = move.kind === 'deliver-fails' ? 'fail' : 'go';
    return deliver(searched, asked, peers, { ask, from: move.from }, mode).then((moved) =>
      isRead(ask) ? { ...moved, agent } : moved,
    );
  }

  #moved({ agent, reply, violation }: Moved): MovedPart {
    return {
      agent: this.putAgent(agent),
      reply: reply === undefined ? -1 : this.replies.put(reply),
      violation,
    };
  }

  /** What happens to a node from outside its agent's code; some of it can go several ways. */
  variants(
    id: number,
    what: 'crash' | 'start' | 'power-loss' | 'break' | 'mend' | 'kubelet' | 'unheard',
  ): readonly number[] {
    const part = this.agent(id);
    let known = part.variants.get(what);
    if (known === undefined) {
      known = variantsOf(part.value, what).map((value) => this.putAgent(value));
      part.variants.set(what, known);
    }
    return known;
  }

  /** `timer`: index into the part's timers. */
  turn(
    id: number,
    event: { reply: number; node: number } | { timer: number } | 'abort' | 'started',
  ): TurnedPart {
    const part = this.slot(id);
    const key =
      event === 'abort'
        ? 0
        : event === 'started'
          ? 1
          : 'timer' in event
            ? 2 + event.timer * 8
            : 3 + event.node * 8 + event.reply * 64;
    let known = part.turns.get(key);
    if (known === undefined) {
      const turned = turn(part.value, this.#event(part, event));
      known = { slot: this.putSlot(turned.slot), calls: turned.calls, violation: turned.violation };
      part.turns.set(key, known);
    }
    return known;
  }

  #event(part: SlotPart, event: Parameters<Parts['turn']>[1]): SlotEvent {
    if (typeof event === 'string') return { kind: event };
    if ('timer' in event) return { kind: 'timer', purpose: part.timers[event.timer] ?? '' };
    return { kind: 'replied', node: event.node, reply: this.replies.get(event.reply) };
  }

  slotVariant(id: number, what: string, change: (slot: Slot) => Slot): number {
    const part = this.slot(id);
    let known = part.variants.get(what);
    if (known === undefined) {
      known = this.putSlot(change(part.value));
      part.variants.set(what, known);
    }
    return known;
  }

  endOf(id: number): ReturnType<typeof endOf> {
    return endOf(this.slot(id).value);
  }
}

export function isRead(ask: Ask): boolean {
  return ask.kind === 'observe' || ask.kind === 'read-ledger';
}

function variantsOf(agent: Agent, what: Parameters<Parts['variants']>[1]): Agent[] {
  const { inFlight, world } = agent;
  switch (what) {
    case 'crash':
      return [{ ...agent, up: false, inFlight: undefined }];
    case 'start':
      return [{ ...agent, up: true }];
    case 'power-loss':
      return afterPowerLoss(world).map((left) => ({
        ...agent,
        up: false,
        inFlight: undefined,
        world: left,
      }));
    case 'break':
      return [{ ...agent, broken: true }];
    case 'mend':
      return [{ ...agent, broken: false }];
    case 'kubelet':
      return kubeletActs(world).map((act) => ({ ...agent, world: afterKubelet(world, act) }));
    case 'unheard':
      return [inFlight === undefined ? agent : { ...agent, inFlight: { ...inFlight, from: NOBODY } }];
    default:
      return what satisfies never;
  }
}

function factsOf({ node, ledger, world }: Agent, searched: Searched): number {
  const identity = { ledgerId: ledgerIdOf(node), node, cluster: CLUSTER };
  const record = new MemoryLedger(identity, ledger, searched, () => {}).latestOperation();
  const view = record === undefined ? undefined : viewOf(record);
  const committed = ledger.phase === 'committed' || ledger.phase === 'closed';
  const ended = ledger.phase === 'undone' || ledger.phase === 'closed';
  const live = world.etcdManifest.durable === 'live' && world.apiManifest.durable === 'live';
  const free = world.kubelet && !world.hold.now && !world.hold.durable && live;
  const stands = (store: 'old' | 'new'): boolean =>
    free && world.inPlace.now === store && world.inPlace.durable === store;
  const bits: [boolean, number][] = [
    [world.etcd === 'old', FACT.etcdOld],
    [world.etcd === 'new', FACT.etcdNew],
    [world.api, FACT.api],
    [committed, FACT.committed],
    [ledger.phase === 'closed', FACT.closed],
    [ledger.phase === 'undone', FACT.undone],
    [view !== undefined && isUndoing(view), FACT.undoing],
    [view?.intended.has(Step.STEP_UNDO_START) === true, FACT.undoStarted],
    [ledger.held && !ended, FACT.unended],
    [ledger.held, FACT.held],
    [stands('old'), FACT.oldRestored],
    [stands('new'), FACT.newServing],
  ];
  return bits.reduce((all, [holds, bit]) => (holds ? all | bit : all), 0);
}

/** What must never be so on one node by itself. */
function brokenBy({ etcd, inPlace, etcdManifest, built }: World): string | undefined {
  if (etcd !== 'none' && etcd !== inPlace.now) return 'the stores were exchanged under a running etcd';
  if (etcd === 'new' && built !== 'whole') return 'etcd runs on a store that is not whole';
  const mayBeLive = etcdManifest.now === 'live' || etcdManifest.durable === 'live';
  const mayBeNew = inPlace.now === 'new' || inPlace.durable === 'new';
  if (mayBeLive && mayBeNew && built !== 'whole') {
    return 'a live manifest of etcd over a directory that is not complete';
  }
  return undefined;
}
