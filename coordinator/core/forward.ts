import type { ObserveMemberResponse, StepResult } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { takesStep } from '@lockstep/shared/plan/part.ts';
import type { Answer, Ask } from './events.ts';
import { failureOf, isTransient, isUnreachable, isWorthRepeating } from './failures.ts';
import { judgeGate } from './gate.ts';
import {
  ANSWER_GRACE_MS,
  GATE_RETRY_MS,
  MAX_FAULTS_PER_STEP,
  MAX_PULLS,
  MAX_UNANSWERED_IN_DOWNTIME,
  SHORT_CALL_TIMEOUT_MS,
} from './limits.ts';
import type { ForwardStep } from './phases.ts';
import {
  CLOSE_POSITION,
  COMMIT_POSITION,
  FENCE_POSITION,
  FORWARD_STEPS,
  forwardStep,
  wordsOf,
} from './phases.ts';
import type { ForwardStage, PendingCall, TimerPurpose } from './state.ts';
import { retryDelayMs, type Turn, with1, without } from './turn.ts';

/** Begins the step at `position` on the first group of its nodes. */
export function enterForward(turn: Turn, position: number): void {
  const step = forwardStep(position);
  const before = turn.state.stage;
  const behind = before.kind === 'forward' ? before.behind : new Map<string, Failure>();
  const canaryRevision = before.kind === 'forward' ? before.canaryRevision : 0n;
  if (position === CLOSE_POSITION && behind.size > 0) {
    turn.next = { to: 'ended', outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure: leftBehind(behind) };
    return;
  }

  turn.drop((purpose) => purpose.kind === 'max-outage' && position < COMMIT_POSITION);
  turn.enterPhase(step.phase);
  if (position >= FENCE_POSITION && turn.state.fencedMs === undefined) beginDowntime(turn);
  if (position >= COMMIT_POSITION) turn.state.mayBeCommitted = true;

  const groups = groupsOf(turn, step, behind);
  const [group = [], ...rest] = groups;
  turn.setStage({
    kind: 'forward',
    position,
    stepStartedMs: turn.nowMs,
    pending: new Set(),
    groups: rest,
    attempts: new Map(),
    faults: new Map(),
    behind,
    canaryRevision,
    observations: new Map(),
    lastGateFailure: undefined,
  });
  beginGroup(turn, group);
}

export function onForwardAnswer(turn: Turn, stage: ForwardStage, call: PendingCall, answer: Answer): void {
  const { node } = call;
  switch (answer.kind) {
    case 'promise':
      turn.setNode(node, { promised: true });
      return nodeDone(turn, stage, node);
    case 'commit':
      turn.setNode(node, { committed: true });
      return nodeDone(turn, stage, node);
    case 'execute':
      return onStepResult(turn, stage, node, answer.result);
    case 'observe':
      return onObservation(turn, stage, node, answer.member);
    case 'read-ledger':
      throw new Error('a ledger was read while going forward');
  }
}

export function onForwardFailure(turn: Turn, stage: ForwardStage, call: PendingCall, failure: Failure): void {
  const { node, ask } = call;
  if (ask.kind === 'observe') return onObservation(turn, stage, node, failure);
  if (failure.code === 'EPOCH_STALE' && ask.kind !== 'promise') {
    turn.next = { to: 'superseded' };
    return;
  }
  // A promise whose answer was lost may have been given; one that was refused was not.
  if (ask.kind === 'promise') turn.setNode(node, { promised: isTransient(failure) ? undefined : false });
  if (isTransient(failure)) {
    if (!isGivenUp(stage, node, failure)) return retry(turn, stage, node);
    const words = `${node} did not answer: ${failure.message}`;
    const absent = failureOf('NODE_UNREACHABLE', words, node, [failure]);
    turn.nodeFailed(node, absent);
    return leave(turn, stage, absent);
  }
  if (stage.position >= COMMIT_POSITION) return onFault(turn, stage, node, failure);
  if (isWorthRepeating(failure) && (stage.attempts.get(node) ?? 0) < MAX_PULLS) {
    turn.nodeFailed(node, failure);
    return retry(turn, stage, node);
  }
  turn.nodeFailed(node, failure);
  leave(turn, stage, { ...failure, node });
}

export function onForwardTimer(turn: Turn, stage: ForwardStage, purpose: TimerPurpose): void {
  switch (purpose.kind) {
    case 'retry':
      return ask(turn, stage, purpose.node);
    case 'gate-retry':
      return observeAll(turn, stage);
    case 'step-deadline':
      return onDeadline(turn, stage);
    case 'max-outage': {
      if (stage.position >= COMMIT_POSITION) return;
      const failure = failureOf(
        'MAX_OUTAGE_EXCEEDED',
        `the gate had not passed ${turn.state.plan.maxOutageMs} ms after the fence, in phase ${turn.phaseName}`,
      );
      return leave(turn, stage, failure);
    }
    case 'grace':
    case 'patience':
      throw new Error(`timer ${purpose.kind} while going forward`);
  }
}

/** Only between the fence and the commit: before it nobody is hurt by patience, after it there is no other way. */
function isGivenUp(stage: ForwardStage, node: string, failure: Failure): boolean {
  return (
    isUnreachable(failure) &&
    stage.position >= FENCE_POSITION &&
    stage.position < COMMIT_POSITION &&
    (stage.attempts.get(node) ?? 0) >= MAX_UNANSWERED_IN_DOWNTIME
  );
}

function beginDowntime(turn: Turn): void {
  turn.state.fencedMs = turn.nowMs;
  const maxOutageMs = Number(turn.state.plan.maxOutageMs);
  if (maxOutageMs > 0) turn.setTimer({ kind: 'max-outage' }, maxOutageMs);
}

/**
 * Nodes in the groups that take the step one after another: those that have a part in it. A closed
 * ledger takes no more steps.
 */
function groupsOf(turn: Turn, step: ForwardStep, behind: ReadonlyMap<string, Failure>): string[][] {
  const { ask: asked } = step;
  const order = turn.order
    .filter((each) => asked.kind !== 'execute' || takesStep(each, asked.step))
    .map((each) => each.node);
  const chosen = step.nodes === 'first' ? order.slice(0, 1) : order;
  const nodes = chosen.filter(
    (node) =>
      !behind.has(node) &&
      !turn.node(node).closed &&
      !(step.ask.kind === 'promise' && turn.node(node).promised === true),
  );
  switch (step.order) {
    case 'side-by-side':
      return [nodes];
    case 'followers-first':
      return nodes.length > 1 ? [nodes.slice(0, -1), nodes.slice(-1)] : [nodes];
    case 'in-turn-if-planned':
      return turn.state.plan.startMembersInTurn ? nodes.map((node) => [node]) : [nodes];
    default:
      return step.order satisfies never;
  }
}

function beginGroup(turn: Turn, group: readonly string[]): void {
  const stage = forwardOf(turn);
  const step = forwardStep(stage.position);
  const begun: ForwardStage = { ...stage, pending: new Set(group), stepStartedMs: turn.nowMs };
  turn.setStage(begun);
  if (group.length === 0) return advance(turn, begun);
  turn.drop((purpose) => purpose.kind === 'max-outage');
  turn.setTimer({ kind: 'step-deadline' }, step.timeoutMs + ANSWER_GRACE_MS);
  for (const node of group) turn.nodeWorks(node, step.phase, wordsOf(step));
  if (step.ask.kind === 'gate') return observeAll(turn, begun);
  for (const node of group) ask(turn, begun, node);
}

function ask(turn: Turn, stage: ForwardStage, node: string): void {
  const step = forwardStep(stage.position);
  const remainingMs = Math.max(1000, stage.stepStartedMs + step.timeoutMs - turn.nowMs);
  const { epoch } = turn.state;
  switch (step.ask.kind) {
    case 'promise':
      turn.setNode(node, { promised: undefined });
      turn.call(node, { kind: 'promise', epoch }, SHORT_CALL_TIMEOUT_MS);
      return;
    case 'commit':
      turn.call(node, { kind: 'commit', epoch }, SHORT_CALL_TIMEOUT_MS);
      return;
    case 'execute': {
      const question: Ask = { kind: 'execute', epoch, step: step.ask.step, timeoutMs: remainingMs };
      turn.call(node, question, remainingMs + ANSWER_GRACE_MS);
      return;
    }
    case 'gate':
      throw new Error('the gate asks every node at once');
  }
}

function onStepResult(turn: Turn, stage: ForwardStage, node: string, result: StepResult): void {
  if (result.failure !== undefined) {
    const call: PendingCall = {
      node,
      ask: { kind: 'execute', epoch: turn.state.epoch, step: 0, timeoutMs: 0 },
    };
    return onForwardFailure(turn, stage, call, result.failure);
  }
  const [drift] = result.drift;
  if (drift !== undefined) {
    const failure: Failure = {
      code: drift.code,
      node,
      message: result.drift.map((each) => each.message).join('; '),
      cure: drift.cure,
      causes: [],
    };
    turn.nodeFailed(node, failure);
    return leave(turn, stage, failure);
  }
  const canaryRevision = result.canaryRevision > 0n ? result.canaryRevision : stage.canaryRevision;
  nodeDone(turn, { ...stage, canaryRevision }, node);
}

function nodeDone(turn: Turn, stage: ForwardStage, node: string): void {
  turn.nodeDone(node);
  if (stage.position === CLOSE_POSITION) turn.setNode(node, { closed: true });
  settleNode(turn, stage, node);
}

/** The node has nothing more to do in this step; the last of a group ends the group. */
function settleNode(turn: Turn, stage: ForwardStage, node: string): void {
  const next = { ...stage, pending: without(stage.pending, node) };
  turn.setStage(next);
  if (next.pending.size > 0) return;
  advance(turn, next);
}

function advance(turn: Turn, stage: ForwardStage): void {
  const [group, ...groups] = stage.groups;
  if (group !== undefined) {
    turn.setStage({ ...stage, groups });
    return beginGroup(turn, group);
  }
  if (stage.position + 1 < FORWARD_STEPS.length) {
    turn.next = { to: 'forward', position: stage.position + 1 };
    return;
  }
  turn.next =
    stage.behind.size > 0
      ? { to: 'ended', outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure: leftBehind(stage.behind) }
      : { to: 'ended', outcome: Outcome.OUTCOME_RESTORED, failure: undefined };
}

function retry(turn: Turn, stage: ForwardStage, node: string): void {
  const attempt = stage.attempts.get(node) ?? 0;
  turn.setStage({ ...stage, attempts: with1(stage.attempts, node, attempt + 1) });
  turn.setTimer({ kind: 'retry', node }, retryDelayMs(attempt));
}

/**
 * From commit on there is hardly a way back, so a fault is tried again, a few times. Then the node
 * is left behind and the others go on; but nobody is left behind by the commit itself.
 */
function onFault(turn: Turn, stage: ForwardStage, node: string, failure: Failure): void {
  const faults = (stage.faults.get(node) ?? 0) + 1;
  turn.nodeFailed(node, failure);
  if (faults < MAX_FAULTS_PER_STEP) {
    return retry(turn, { ...stage, faults: with1(stage.faults, node, faults) }, node);
  }
  if (stage.position === COMMIT_POSITION) return leave(turn, stage, { ...failure, node });
  leaveBehind(turn, stage, node, failure);
}

function leaveBehind(turn: Turn, stage: ForwardStage, node: string, failure: Failure): void {
  settleNode(turn, { ...stage, behind: with1(stage.behind, node, { ...failure, node }) }, node);
}

/** A step cannot be done: back, where nobody can have committed; else first find out. */
function leave(turn: Turn, stage: ForwardStage, cause: Failure): void {
  const step = forwardStep(stage.position);
  turn.next =
    stage.position < COMMIT_POSITION ? { to: 'undo', cause, fromPhase: step.phase } : { to: 'settle', cause };
}

function onDeadline(turn: Turn, stage: ForwardStage): void {
  const step = forwardStep(stage.position);
  const late = [...stage.pending];
  const failures = late.map((node) =>
    failureOf(
      'STEP_TIMED_OUT',
      `${wordsOf(step)} did not end on ${node} within ${step.timeoutMs} ms`,
      node,
      stage.lastGateFailure === undefined ? [] : [stage.lastGateFailure],
    ),
  );
  for (const failure of failures) turn.nodeFailed(failure.node, failure);
  const [first] = failures;
  if (first === undefined) throw new Error('a deadline passed with nobody late');
  if (stage.position <= COMMIT_POSITION) {
    return leave(turn, stage, stage.lastGateFailure ?? first);
  }
  turn.drop();
  let next = stage;
  for (const failure of failures) {
    leaveBehind(turn, next, failure.node, failure);
    const { stage: now } = turn.state;
    if (now.kind !== 'forward') return;
    next = now;
  }
}

function observeAll(turn: Turn, stage: ForwardStage): void {
  turn.setStage({ ...stage, observations: new Map() });
  for (const { node } of turn.order) {
    turn.call(node, { kind: 'observe', hashRevision: stage.canaryRevision }, SHORT_CALL_TIMEOUT_MS);
  }
}

function onObservation(
  turn: Turn,
  stage: ForwardStage,
  node: string,
  seen: ObserveMemberResponse | Failure,
): void {
  const observations = with1(stage.observations, node, seen);
  const next: ForwardStage = { ...stage, observations };
  turn.setStage(next);
  if (observations.size < turn.state.plan.nodes.length) return;
  const verdict = judgeGate(turn.state.plan, stage.canaryRevision, observations);
  switch (verdict.kind) {
    case 'passed': {
      turn.state.proof = verdict.proof;
      for (const each of stage.pending) turn.nodeDone(each);
      return advance(turn, { ...next, pending: new Set() });
    }
    case 'retry':
      turn.setStage({ ...next, lastGateFailure: verdict.failure });
      turn.setTimer({ kind: 'gate-retry' }, GATE_RETRY_MS);
      return;
    case 'failed':
      turn.publish({
        $case: 'nodeFailed',
        value: { phase: Phase.PHASE_START_ETCD, failure: verdict.failure },
      });
      return leave(turn, next, verdict.failure);
  }
}

function leftBehind(behind: ReadonlyMap<string, Failure>): Failure {
  const nodes = [...behind.keys()].join(', ');
  return failureOf('FORWARD_FAILED', `NEW is committed; not brought up whole: ${nodes}`, '', [
    ...behind.values(),
  ]);
}

function forwardOf(turn: Turn): ForwardStage {
  const { stage } = turn.state;
  if (stage.kind !== 'forward') throw new Error(`not going forward but ${stage.kind}`);
  return stage;
}
