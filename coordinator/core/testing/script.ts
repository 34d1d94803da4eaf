import {
  ObserveMemberResponse,
  ReadLedgerResponse,
  StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure, Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Answer, Ask, Effect, TransitionEvent } from '../events.ts';
import { newOperation, type OperationState, type Stage, type TimerPurpose } from '../state.ts';
import { step } from '../transition.ts';
import { modelPlan } from './driver.ts';
import { PEERS } from './model-agent.ts';

const CANARY = 2_000_000_001n;

/**
 * The core, told event by event what happens: every answer and every timer is the test's. Where a
 * `Driver` shows that things end well, this shows what is done at one moment.
 */
export class Script {
  readonly plan: RestorePlan;
  state: OperationState;
  nowMs: number;
  /** Of the last event. */
  effects: readonly Effect[] = [];

  constructor(
    plan: RestorePlan = modelPlan(),
    state: OperationState = newOperation(plan, { number: 1n, coordinatorId: 'c1' }, 1_000_000),
  ) {
    this.plan = plan;
    this.state = state;
    this.nowMs = state.startedMs;
  }

  start(): this {
    return this.feed({ kind: 'started', atMs: this.nowMs });
  }

  feed(event: TransitionEvent): this {
    const next = step(this.state, event);
    this.state = next.state;
    this.effects = next.effects;
    return this;
  }

  get stage(): Stage {
    return this.state.stage;
  }

  /** The stage as one of its kinds; throws where it is another. */
  stageOf<K extends Stage['kind']>(kind: K): Extract<Stage, { kind: K }> {
    const { stage } = this.state;
    if (stage.kind !== kind) throw new Error(`in ${stage.kind}, not in ${kind}`);
    return stage as Extract<Stage, { kind: K }>;
  }

  get outcome(): Outcome | undefined {
    return this.stage.kind === 'ended' ? this.stage.outcome : undefined;
  }

  get failure(): Failure | undefined {
    return this.stage.kind === 'ended' ? this.stage.failure : undefined;
  }

  /** Nodes that are being asked something now, in the order of asking. */
  get asked(): string[] {
    return [...this.state.calls.values()].map(({ node }) => node);
  }

  askOf(node: string): Ask {
    return this.#callOf(node)[1].ask;
  }

  answer(node: string, answer?: Answer): this {
    const [call, { ask }] = this.#callOf(node);
    this.nowMs += 1;
    return this.feed({ kind: 'answered', call, answer: answer ?? goodAnswer(node, ask), atMs: this.nowMs });
  }

  answerAll(): this {
    for (const node of this.asked) this.answer(node);
    return this;
  }

  /** A step that came to nothing in its own result, as an agent says it. */
  answerStep(node: string, result: Partial<StepResult>): this {
    return this.answer(node, { kind: 'execute', result: { ...StepResult.fromPartial({}), ...result } });
  }

  /** Once promises were asked for, an agent has given this coordinator its own; or, where said so, another. */
  answerLedger(node: string, ledger: Partial<ReadLedgerResponse>, obeys: 'us' | 'another' = 'us'): this {
    const planned = this.plan.nodes.find((each) => each.node === node);
    const { stage } = this;
    const hasPromised = stage.kind === 'settle' && stage.part === 'read' && obeys === 'us';
    return this.answer(node, {
      kind: 'read-ledger',
      ledger: {
        ...ReadLedgerResponse.fromPartial({}),
        node,
        ledgerId: planned?.ledgerId ?? '',
        operationId: this.plan.operationId,
        ...ledger,
        ...(hasPromised ? { promised: this.state.epoch } : {}),
      },
    });
  }

  fail(node: string, code: string): this {
    const [call] = this.#callOf(node);
    this.nowMs += 1;
    const failure: Failure = { code, node, message: `${code} by the script`, cure: '', causes: [] };
    return this.feed({ kind: 'failed', call, failure, atMs: this.nowMs });
  }

  /** Fails with a code, waits for the retry, and so on: `times` answers in all. */
  failRepeatedly(node: string, code: string, times: number): this {
    for (let time = 0; time < times; time += 1) {
      this.fail(node, code);
      if (time < times - 1) this.fire('retry', node);
    }
    return this;
  }

  timers(kind: TimerPurpose['kind']): number[] {
    return [...this.state.timers].flatMap(([timer, purpose]) => (purpose.kind === kind ? [timer] : []));
  }

  /** The oldest timer of its kind fires. */
  fire(kind: TimerPurpose['kind'], node?: string): this {
    const found = [...this.state.timers].find(
      ([, purpose]) =>
        purpose.kind === kind && (node === undefined || !('node' in purpose) || purpose.node === node),
    );
    if (found === undefined) throw new Error(`no timer for ${kind} is set`);
    this.nowMs += 1;
    return this.feed({ kind: 'timer', timer: found[0], atMs: this.nowMs });
  }

  /** Answers whatever is asked until the forward step at `position` has begun. */
  forwardTo(position: number): this {
    if (this.stage.kind === 'new') this.start();
    while (this.stageOf('forward').position < position) this.answerAll();
    return this;
  }

  #callOf(node: string): [number, { node: string; ask: Ask }] {
    const found = [...this.state.calls].find(([, call]) => call.node === node);
    if (found === undefined) throw new Error(`${node} is asked nothing`);
    return found;
  }
}

function goodAnswer(node: string, ask: Ask): Answer {
  switch (ask.kind) {
    case 'promise':
    case 'commit':
      return { kind: ask.kind };
    case 'execute':
      return { kind: 'execute', result: StepResult.fromPartial({ canaryRevision: CANARY }) };
    case 'observe':
      return { kind: 'observe', member: servingMember(node) };
    case 'read-ledger':
      throw new Error('say what the ledger holds: answerLedger');
    default:
      return ask satisfies never;
  }
}

export function servingMember(node: string): ObserveMemberResponse {
  return ObserveMemberResponse.fromPartial({
    serving: true,
    memberId: node,
    clusterId: 'new',
    revision: CANARY,
    compactRevision: CANARY - 1n,
    hash: 7,
    members: PEERS.map((peer, index) => ({ id: `${index}`, peerUrls: [peer] })),
  });
}
