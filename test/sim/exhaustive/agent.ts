import { observeMember } from '@lockstep/agent/api/observe-member.ts';
import { readLedger } from '@lockstep/agent/api/read-ledger.ts';
import { isSame } from '@lockstep/agent/core/epoch.ts';
import { Executor } from '@lockstep/agent/executor/executor.ts';
import type { Handlers } from '@lockstep/agent/executor/handlers.ts';
import type { StepHandler } from '@lockstep/agent/executor/step.ts';
import type { Answer, Ask } from '@lockstep/coordinator/core/events.ts';
import { toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { StepResult } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { EMPTY_LEDGER, epochKey, type LedgerData, ledgerKey, MemoryLedger } from './memory-ledger.ts';
import { CLUSTER, ledgerIdOf, OPERATION, type Searched, STATE_DIR } from './plan.ts';
import { type Peers, portsOver } from './ports.ts';
import { type Entry, entryKey, type Mode, Recorder } from './recorder.ts';
import { OLD_SERVES, type World, worldKey } from './world.ts';

export type ExecuteAsk = Extract<Ask, { kind: 'execute' }>;

/** Who waits for an answer: the slot of a coordinator. */
export const NOBODY = -1;

/** A step that has begun and not ended: what it was told, and what it has asked and done so far. */
export interface InFlight {
  readonly ask: ExecuteAsk;
  /** NOBODY: the caller has given up, and the step may see that at any time. */
  readonly from: number;
  readonly ledgerBefore: LedgerData;
  readonly log: readonly Entry[];
}

/** A node: its agent, and all that the agent acts on. A value. */
export interface Agent {
  readonly node: string;
  /** False from a crash or a loss of power until it is started again. */
  readonly up: boolean;
  /** True while nothing can be written on this node. */
  readonly broken: boolean;
  readonly ledger: LedgerData;
  readonly world: World;
  readonly inFlight: InFlight | undefined;
}

export type Reply =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'failure'; readonly failure: Failure };

export interface Moved {
  readonly agent: Agent;
  readonly reply: Reply | undefined;
  readonly violation: string | undefined;
}

export function freshAgent(node: string): Agent {
  return {
    node,
    up: true,
    broken: false,
    ledger: EMPTY_LEDGER,
    world: OLD_SERVES,
    inFlight: undefined,
  };
}

const LOGGER = createLogger('search', 'silent');

/** The executor of the agent, over one moment of a node. */
class Moment {
  readonly recorder: Recorder;
  readonly ledger: MemoryLedger;
  readonly executor: Executor;
  readonly #searched: Searched;
  readonly #agent: Agent;
  readonly #peers: Peers;
  readonly #ports: ReturnType<typeof portsOver>;

  constructor(searched: Searched, agent: Agent, peers: Peers, mode: Mode) {
    const { node, inFlight } = agent;
    this.#searched = searched;
    this.#agent = agent;
    this.#peers = peers;
    this.recorder = new Recorder(agent.world, inFlight?.log ?? [], mode, agent.broken);
    const identity = { ledgerId: ledgerIdOf(node), node, cluster: CLUSTER };
    const data = inFlight?.ledgerBefore ?? agent.ledger;
    this.ledger = new MemoryLedger(identity, data, searched, () => this.recorder.record());
    this.#ports = portsOver(this.recorder, searched, node, this.#peers);
    this.executor = new Executor({
      node,
      cluster: CLUSTER,
      stateDir: STATE_DIR,
      ledger: this.ledger,
      ports: this.#ports,
      handlers: standingStill(searched.handlers, this.recorder),
      logger: LOGGER,
    });
  }

  /** Asks, and returns what the answer is once there is one. */
  ask(ask: Ask): { reply: Reply | undefined } {
    const answered: { reply: Reply | undefined } = { reply: undefined };
    void this.#answer(ask).then(
      (answer) => {
        answered.reply = { kind: 'answer', answer };
      },
      (thrown: unknown) => {
        answered.reply = { kind: 'failure', failure: toFailure(thrown, this.#agent.node) };
      },
    );
    return answered;
  }

  async #answer(ask: Ask): Promise<Answer> {
    const { node } = this.#agent;
    const named = { operationId: OPERATION, planSha256: this.#searched.sha256 };
    switch (ask.kind) {
      case 'promise': {
        const { bytes: plan } = this.#searched;
        const ledgerId = ledgerIdOf(node);
        await this.executor.promise({ epoch: ask.epoch, operationId: OPERATION, plan, ledgerId }, 'search');
        return { kind: 'promise' };
      }
      case 'commit':
        await this.executor.commit({ ...named, epoch: ask.epoch }, 'search');
        return { kind: 'commit' };
      case 'observe': {
        const { signal } = this.recorder.call;
        const observed = { ...this.#ports, node, executor: this.executor };
        return { kind: 'observe', member: await observeMember(observed, ask.hashRevision, signal) };
      }
      case 'read-ledger':
        return { kind: 'read-ledger', ledger: readLedger(this.ledger, OPERATION) };
      case 'execute':
        return { kind: 'execute', result: await this.#execute(ask) };
      default:
        return ask satisfies never;
    }
  }

  async #execute({ epoch, step, timeoutMs }: ExecuteAsk): Promise<StepResult> {
    const request = {
      epoch,
      operationId: OPERATION,
      planSha256: this.#searched.sha256,
      step,
      timeoutMs: BigInt(timeoutMs),
    };
    for await (const { event } of this.executor.execute(request, 'search', this.recorder.call.signal)) {
      if (event?.$case === 'result') return event.value;
    }
    throw new Error('a step ended without a result');
  }

  /** What has become of the node. `begun`: the step that stands still now, unless it was answered. */
  outcome(begun: Omit<InFlight, 'log'> | undefined, reply: Reply | undefined): Moved {
    const { world, log, violation } = this.recorder;
    const ledger = this.ledger.data;
    const inFlight = reply === undefined && begun !== undefined ? { ...begun, log } : undefined;
    const { promised } = ledger;
    const acted = begun !== undefined && this.recorder.moved;
    const stale = acted && (promised === undefined || !isSame(promised, begun.ask.epoch));
    const before = this.#agent.ledger.promised?.number ?? 0n;
    const words = stale
      ? 'an effect under an epoch that is not the promised one'
      : (promised?.number ?? 0n) < before
        ? 'a promise was given for less than was promised before'
        : undefined;
    return { agent: { ...this.#agent, ledger, world, inFlight }, reply, violation: violation ?? words };
  }
}

/** The handlers as they are. Between an effect and its completion there is no port to stand still at, but a crash. */
function standingStill(own: Handlers, recorder: Recorder): Handlers {
  const handlers = Object.entries(own).map(([step, handler]: [string, StepHandler]) => {
    const perform: StepHandler['perform'] = async (context, intent, signal) => {
      const outcome = await handler.perform(context, intent, signal);
      await recorder.read(() => undefined);
      return outcome;
    };
    return [step, { ...handler, perform }];
  });
  return Object.fromEntries(handlers) as Handlers;
}

/** A question arrives, and nothing is in flight. */
export async function deliver(
  searched: Searched,
  agent: Agent,
  peers: Peers,
  question: { readonly ask: Ask; readonly from: number },
  mode: Mode,
): Promise<Moved> {
  const { ask, from } = question;
  const moment = new Moment(searched, agent, peers, mode);
  const answered = moment.ask(ask);
  await moment.recorder.quiet();
  const begun = ask.kind === 'execute' ? { ask, from, ledgerBefore: agent.ledger } : undefined;
  if (answered.reply === undefined && !(ask.kind === 'execute' && moment.recorder.moved)) {
    throw new Error(`${ask.kind} waits for something that the search does not know`);
  }
  return moment.outcome(begun, answered.reply);
}

/** A question arrives while a step is in flight, and waits as long as it may. */
export async function deliverToBusy(
  searched: Searched,
  agent: Agent,
  peers: Peers,
  ask: Ask,
): Promise<Moved> {
  const { inFlight } = agent;
  if (inFlight === undefined) throw new Error('nothing is in flight');
  const moment = new Moment(searched, agent, peers, 'go');
  const first = moment.ask(inFlight.ask);
  // It stands where it stood: what it would do next is not done now.
  moment.recorder.moved = true;
  await moment.recorder.quiet();
  const before = moment.ledger.data;
  const answered = moment.ask(ask);
  await moment.recorder.quiet();
  moment.recorder.ring();
  await moment.recorder.quiet();
  if (answered.reply === undefined) throw new Error(`${ask.kind} to a busy agent is not answered`);
  const slipped = moment.ledger.data !== before || first.reply !== undefined;
  return {
    agent,
    reply: answered.reply,
    violation: slipped ? `${ask.kind} was obeyed while an effect was in flight` : undefined,
  };
}

/** The step in flight goes on. Undefined where it waits for something that does not hold yet. */
export async function advance(
  searched: Searched,
  agent: Agent,
  peers: Peers,
  mode: Mode,
): Promise<Moved | undefined> {
  const { inFlight } = agent;
  if (inFlight === undefined) throw new Error('nothing is in flight');
  const { ask, from, ledgerBefore } = inFlight;
  const moment = new Moment(searched, agent, peers, mode);
  const answered = moment.ask(ask);
  await moment.recorder.quiet();
  const { moved, waiting } = moment.recorder;
  if (answered.reply === undefined && waiting) return undefined;
  if (answered.reply === undefined && !moved) {
    throw new Error('a step waits for something that the search does not know');
  }
  return moment.outcome({ ask, from, ledgerBefore }, answered.reply);
}

export function agentKey({ node, up, broken, ledger, world, inFlight }: Agent): string {
  const flight =
    inFlight === undefined
      ? ''
      : `${inFlight.from} ${askKey(inFlight.ask)} ${ledgerKey(inFlight.ledgerBefore)} ${inFlight.log.map(entryKey).join(',')}`;
  const own = `${node}${up ? '' : ' down'}${broken ? ' broken' : ''}`;
  return `${own}\n${ledgerKey(ledger)}\n${worldKey(world)}\n${flight}`;
}

export function askKey(ask: Ask): string {
  switch (ask.kind) {
    case 'promise':
    case 'commit':
      return `${ask.kind} ${epochKey(ask.epoch)}`;
    case 'execute':
      return `execute ${ask.step} ${epochKey(ask.epoch)}`;
    case 'observe':
      return `observe ${ask.hashRevision}`;
    case 'read-ledger':
      return ask.kind;
    default:
      return ask satisfies never;
  }
}

/** What of a reply can matter to a coordinator: never its words. */
export function replyKey(reply: Reply): string {
  if (reply.kind === 'failure') return `! ${reply.failure.code}`;
  const { answer } = reply;
  switch (answer.kind) {
    case 'promise':
    case 'commit':
      return answer.kind;
    case 'execute': {
      const { failure, drift, canaryRevision } = answer.result;
      return `done ${failure?.code ?? ''} ${drift.map((each) => each.code).join()} ${canaryRevision}`;
    }
    case 'observe': {
      const { serving, clusterId, alarms, memberId } = answer.member;
      return `seen ${serving} ${clusterId} ${memberId} ${alarms.join()}`;
    }
    case 'read-ledger': {
      const { promised, operationId, state, effects, ledgerId } = answer.ledger;
      const steps = new Map<number, boolean>();
      for (const { step, completedMs } of effects) {
        steps.set(step, (steps.get(step) ?? false) || completedMs > 0n);
      }
      const rows = [...steps].sort(([a], [b]) => a - b).map(([step, done]) => `${step}${done ? '+' : '-'}`);
      return `ledger ${ledgerId} ${epochKey(promised)} ${operationId} ${state} ${rows.join()}`;
    }
    default:
      return answer satisfies never;
  }
}
