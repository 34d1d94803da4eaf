import type { StepProgress } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure, Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Ask, Effect, EventBody } from './events.ts';
import { RETRY_FIRST_MS, RETRY_LONGEST_MS, SEQUENCES_PER_EPOCH } from './limits.ts';
import { phaseName } from './phases.ts';
import type { NodeState, OperationState, PendingCall, Stage, TimerPurpose } from './state.ts';

/** Where an operation goes when a stage has ended. Entering is the transition's, so that stages need not know each other. */
export type Entry =
  | { readonly to: 'forward'; readonly position: number }
  | { readonly to: 'undo'; readonly cause: Failure; readonly fromPhase: Phase }
  | { readonly to: 'settle'; readonly cause: Failure | undefined }
  | { readonly to: 'ended'; readonly outcome: Outcome; readonly failure: Failure | undefined }
  | { readonly to: 'superseded' };

type Draft = { -readonly [K in keyof OperationState]: OperationState[K] };

/**
 * One call of `step`: a draft of the next state and the effects so far. It lives no longer than
 * that call and the state it was made from is not touched, so `step` is pure from outside.
 */
export class Turn {
  readonly state: Draft;
  readonly effects: Effect[] = [];
  readonly nowMs: number;
  next: Entry | undefined = undefined;
  private readonly calls: Map<number, PendingCall>;
  private readonly timers: Map<number, TimerPurpose>;
  private readonly nodes: Map<string, NodeState>;

  constructor(state: OperationState, nowMs: number) {
    this.calls = new Map(state.calls);
    this.timers = new Map(state.timers);
    this.nodes = new Map(state.nodes);
    this.state = { ...state, calls: this.calls, timers: this.timers, nodes: this.nodes };
    this.nowMs = nowMs;
  }

  /** Planned nodes in the order of work: followers first, OLD's leader last. */
  get order(): readonly NodePlan[] {
    return [...this.state.plan.nodes].sort((a, b) => a.order - b.order);
  }

  setStage(stage: Stage): void {
    this.state.stage = stage;
  }

  node(name: string): NodeState {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`node ${name} is not in the plan`);
    return node;
  }

  setNode(name: string, change: Partial<NodeState>): void {
    this.nodes.set(name, { ...this.node(name), ...change });
  }

  call(node: string, ask: Ask, deadlineMs: number): number {
    const call = this.state.nextCall;
    this.state.nextCall += 1;
    this.calls.set(call, { node, ask });
    this.effects.push({ kind: 'call', call, node, ask, deadlineMs });
    return call;
  }

  /** The question that this answer is to; undefined where nobody waits for it any more. */
  takeCall(call: number): PendingCall | undefined {
    if (call >= this.state.nextCall || call < 1) throw new Error(`an answer to call ${call}, never made`);
    const pending = this.calls.get(call);
    this.calls.delete(call);
    return pending;
  }

  setTimer(purpose: TimerPurpose, afterMs: number): void {
    const timer = this.state.nextTimer;
    this.state.nextTimer += 1;
    this.timers.set(timer, purpose);
    this.effects.push({ kind: 'set-timer', timer, afterMs });
  }

  takeTimer(timer: number): TimerPurpose | undefined {
    if (timer >= this.state.nextTimer || timer < 1) throw new Error(`timer ${timer} was never set`);
    const purpose = this.timers.get(timer);
    this.timers.delete(timer);
    return purpose;
  }

  /** Nothing asked or set before counts any more, but the timers that span stages. */
  drop(keep: (purpose: TimerPurpose) => boolean = () => false): void {
    for (const call of this.calls.keys()) this.effects.push({ kind: 'cancel-call', call });
    this.calls.clear();
    for (const [timer, purpose] of this.timers) {
      if (keep(purpose)) continue;
      this.effects.push({ kind: 'clear-timer', timer });
      this.timers.delete(timer);
    }
  }

  publish(event: EventBody): void {
    const sequence = this.state.nextSequence;
    // The next epoch's numbers begin there: a longer history would repeat them.
    if (sequence >= (this.state.epoch.number + 1n) * SEQUENCES_PER_EPOCH) {
      throw new Error('an operation has published more events than one epoch has numbers');
    }
    this.state.nextSequence += 1n;
    this.effects.push({
      kind: 'publish',
      event: { operationId: this.state.plan.operationId, sequence, atMs: BigInt(this.nowMs), event },
    });
  }

  notice(code: string, message: string): void {
    this.publish({ $case: 'notice', value: { code, message } });
  }

  nodeWorks(node: string, phase: Phase, words: string): void {
    this.setNode(node, { phase, words, done: false, failure: undefined });
    this.publish({
      $case: 'nodeProgress',
      value: { phase, node, step: words, doneBytes: 0n, totalBytes: 0n, done: false },
    });
  }

  nodeProgressed(node: string, { step, doneBytes, totalBytes }: StepProgress): void {
    const { phase, words } = this.node(node);
    this.publish({
      $case: 'nodeProgress',
      value: { phase, node, step: step === '' ? words : step, doneBytes, totalBytes, done: false },
    });
  }

  nodeDone(node: string): void {
    this.setNode(node, { done: true, failure: undefined });
    const { phase, words } = this.node(node);
    this.publish({
      $case: 'nodeProgress',
      value: { phase, node, step: words, doneBytes: 0n, totalBytes: 0n, done: true },
    });
  }

  nodeFailed(node: string, failure: Failure): void {
    const named = { ...failure, node };
    this.setNode(node, { failure: named });
    this.publish({ $case: 'nodeFailed', value: { phase: this.node(node).phase, failure: named } });
  }

  /** Ends the phase under way and begins this one; nothing where it is under way already. */
  enterPhase(phase: Phase): void {
    const last = this.state.phases.at(-1);
    if (last !== undefined && last.phase === phase && last.endedMs === undefined) return;
    this.endPhase();
    this.state.phases = [...this.state.phases, { phase, startedMs: this.nowMs, endedMs: undefined }];
    this.publish({ $case: 'phaseStarted', value: { phase } });
  }

  endPhase(): void {
    const last = this.state.phases.at(-1);
    if (last === undefined || last.endedMs !== undefined) return;
    this.state.phases = [...this.state.phases.slice(0, -1), { ...last, endedMs: this.nowMs }];
    this.publish({
      $case: 'phaseEnded',
      value: { phase: last.phase, durationMs: BigInt(this.nowMs - last.startedMs) },
    });
  }

  get phase(): Phase {
    return this.state.phases.at(-1)?.phase ?? 0;
  }

  get phaseName(): string {
    return phaseName(this.phase);
  }
}

/** The n-th repetition waits twice as long as the one before, up to a limit. */
export function retryDelayMs(attempt: number): number {
  return Math.min(RETRY_FIRST_MS * 2 ** Math.min(attempt, 16), RETRY_LONGEST_MS);
}

export function with1<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

export function without<K>(set: ReadonlySet<K>, key: K): ReadonlySet<K> {
  const next = new Set(set);
  next.delete(key);
  return next;
}

export function and<K>(set: ReadonlySet<K>, key: K): ReadonlySet<K> {
  return new Set(set).add(key);
}
