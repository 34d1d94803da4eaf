import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Answer } from './events.ts';
import { failureOf, isTransient, saysNeverTaken } from './failures.ts';
import {
  MAX_SETTLE_ROUNDS,
  RETRY_LONGEST_MS,
  SEQUENCES_PER_EPOCH,
  SETTLE_GRACE_MS,
  SETTLE_PATIENCE_MS,
  SHORT_CALL_TIMEOUT_MS,
} from './limits.ts';
import { COMMIT_POSITION, FORWARD_STEPS } from './phases.ts';
import { decide, fencedAt, type LedgerView, phasesOf, viewOf } from './recovery.ts';
import type { PendingCall, SettleStage, TimerPurpose } from './state.ts';
import { and, retryDelayMs, type Turn, with1, without } from './turn.ts';

export function enterSettle(turn: Turn, cause: Failure | undefined): void {
  turn.drop((purpose) => purpose.kind === 'max-outage');
  turn.state.settleRounds += 1;
  if (turn.state.settleRounds > MAX_SETTLE_ROUNDS) {
    const words = `no answer settled where the operation stands in ${MAX_SETTLE_ROUNDS} rounds`;
    const failure = cause ?? failureOf('NODE_UNREACHABLE', words);
    turn.next = { to: 'ended', outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure };
    return;
  }
  const nodes = turn.state.plan.nodes.map((each) => each.node);
  turn.setTimer({ kind: 'grace' }, SETTLE_GRACE_MS);
  turn.setTimer({ kind: 'patience' }, SETTLE_PATIENCE_MS);
  const stage: SettleStage = {
    kind: 'settle',
    part: 'survey',
    cause,
    pending: new Set(nodes),
    absent: new Set(),
    attempts: new Map(),
    ledgers: new Map(),
    gracePassed: false,
    patient: false,
  };
  turn.setStage(stage);
  for (const node of nodes) ask(turn, stage, node);
}

export function onSettleAnswer(turn: Turn, stage: SettleStage, call: PendingCall, answer: Answer): void {
  switch (answer.kind) {
    case 'read-ledger':
      return onLedger(turn, stage, call.node, answer.ledger);
    case 'promise':
      turn.setNode(call.node, { promised: true });
      return settleNode(turn, stage, call.node);
    default:
      throw new Error(`an answer to ${answer.kind} while settling`);
  }
}

export function onSettleFailure(turn: Turn, stage: SettleStage, call: PendingCall, failure: Failure): void {
  const { node } = call;
  if (isTransient(failure)) return onTransient(turn, stage, node);
  if (stage.part === 'promise') {
    if (failure.code === 'EPOCH_STALE') {
      // Somebody promised more since the survey: look again, and yield where that repeats itself.
      turn.next =
        turn.state.settleRounds >= MAX_SETTLE_ROUNDS
          ? { to: 'superseded' }
          : { to: 'settle', cause: stage.cause };
      return;
    }
    // One that never took the plan has nothing to obey; its ledger, read next, says so.
    if (saysNeverTaken(failure)) return settleNode(turn, stage, node);
    // Any other may still obey who commanded before: what its ledger says now proves nothing.
    turn.nodeFailed(node, failure);
    return onTransient(turn, stage, node);
  }
  if (failure.code === 'OPERATION_NOT_FOUND') {
    return onLedger(turn, stage, node, 'unknown');
  }
  turn.nodeFailed(node, failure);
  onTransient(turn, stage, node);
}

export function onSettleTimer(turn: Turn, stage: SettleStage, purpose: TimerPurpose): void {
  switch (purpose.kind) {
    case 'retry':
      return ask(turn, stage, purpose.node);
    case 'grace': {
      const passed: SettleStage = { ...stage, gracePassed: true };
      turn.setStage(passed);
      return goOnWithoutAbsent(turn, passed);
    }
    case 'patience': {
      const words = `no answer for ${SETTLE_PATIENCE_MS} ms from ${[...stage.pending].join(', ')}`;
      const failure = failureOf(
        'NODE_UNREACHABLE',
        words,
        '',
        stage.cause === undefined ? [] : [stage.cause],
      );
      turn.next = { to: 'ended', outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure };
      return;
    }
    case 'max-outage': {
      // Whether it may still be undone is what the ledgers are being asked for.
      const words = `the gate had not passed ${turn.state.plan.maxOutageMs} ms after the fence`;
      turn.setStage({ ...stage, cause: stage.cause ?? failureOf('MAX_OUTAGE_EXCEEDED', words) });
      return;
    }
    case 'gate-retry':
    case 'step-deadline':
      throw new Error(`timer ${purpose.kind} while settling`);
  }
}

function ask(turn: Turn, stage: SettleStage, node: string): void {
  const question =
    stage.part === 'promise'
      ? ({ kind: 'promise', epoch: turn.state.epoch } as const)
      : ({ kind: 'read-ledger' } as const);
  turn.call(node, question, SHORT_CALL_TIMEOUT_MS);
}

function onTransient(turn: Turn, stage: SettleStage, node: string): void {
  const attempt = stage.attempts.get(node) ?? 0;
  const next: SettleStage = {
    ...stage,
    absent: and(stage.absent, node),
    attempts: with1(stage.attempts, node, attempt + 1),
  };
  turn.setStage(next);
  turn.setTimer({ kind: 'retry', node }, retryDelayMs(attempt));
  goOnWithoutAbsent(turn, next);
}

function onLedger(
  turn: Turn,
  stage: SettleStage,
  node: string,
  ledger: ReadLedgerResponse | 'unknown',
): void {
  settleNode(turn, { ...stage, ledgers: with1(stage.ledgers, node, ledger) }, node);
}

function settleNode(turn: Turn, stage: SettleStage, node: string): void {
  const next: SettleStage = {
    ...stage,
    pending: without(stage.pending, node),
    absent: without(stage.absent, node),
  };
  turn.setStage(next);
  if (next.pending.size === 0) return advance(turn, next);
  // Somebody came back who had been waited for: that may be all that was missing.
  if (next.patient && next.part === 'survey') return advance(turn, leaveOut(next));
  goOnWithoutAbsent(turn, next);
}

/** After the grace, those whose last answer was none are left out of this round. */
function goOnWithoutAbsent(turn: Turn, stage: SettleStage): void {
  if (!stage.gracePassed || (stage.patient && stage.part === 'survey')) return;
  if (![...stage.pending].every((node) => stage.absent.has(node))) return;
  if (reached(stage).length === 0) return;
  advance(turn, leaveOut(stage));
}

function leaveOut(stage: SettleStage): SettleStage {
  const ledgers = new Map(stage.ledgers);
  for (const node of stage.pending) ledgers.set(node, 'absent');
  return { ...stage, ledgers };
}

function advance(turn: Turn, stage: SettleStage): void {
  turn.drop((purpose) => purpose.kind !== 'retry');
  switch (stage.part) {
    case 'survey':
      return beginPromise(turn, stage);
    case 'promise':
      return beginPart(turn, stage, 'read', reached(stage));
    case 'read':
      return conclude(turn, stage);
  }
}

/** Above every promise that any reachable agent has given, so that whoever commanded before is fenced off. */
function beginPromise(turn: Turn, stage: SettleStage): void {
  const ledgers = readable(stage);
  const number = ledgers.reduce((highest, ledger) => {
    const promised = ledger.promised?.number ?? 0n;
    return promised > highest ? promised : highest;
  }, turn.state.epoch.number);
  turn.state.epoch = { ...turn.state.epoch, number: number + 1n };
  const firstOfEpoch = turn.state.epoch.number * SEQUENCES_PER_EPOCH + 1n;
  if (turn.state.nextSequence < firstOfEpoch) turn.state.nextSequence = firstOfEpoch;
  const commandable = reached(stage).filter((node) => {
    const view = viewOf(turn.state.plan, node, stage.ledgers.get(node));
    return (
      view.kind === 'known' &&
      (view.state === LedgerState.OPERATION_STATE_OPEN ||
        view.state === LedgerState.OPERATION_STATE_COMMITTED)
    );
  });
  beginPart(turn, stage, 'promise', commandable);
}

function beginPart(
  turn: Turn,
  stage: SettleStage,
  part: SettleStage['part'],
  nodes: readonly string[],
): void {
  const next: SettleStage = {
    ...stage,
    part,
    pending: new Set(nodes),
    absent: new Set(),
    attempts: new Map(),
  };
  turn.setStage(next);
  if (nodes.length === 0) return advance(turn, next);
  for (const node of nodes) ask(turn, next, node);
}

function conclude(turn: Turn, stage: SettleStage): void {
  const { plan } = turn.state;
  const views = new Map(
    plan.nodes.map(({ node }) => [node, viewOf(plan, node, stage.ledgers.get(node))] as const),
  );
  const ledgers = readable(stage);
  // One took the plan after the survey had found nothing there, or was taken by another since the
  // promise: it obeys somebody else, so what its ledger says may change yet.
  if (ledgers.some((ledger) => isUnended(plan, ledger) && !isOurs(turn, ledger))) {
    turn.next =
      turn.state.settleRounds >= MAX_SETTLE_ROUNDS
        ? { to: 'superseded' }
        : { to: 'settle', cause: stage.cause };
    return;
  }
  recall(turn, views, ledgers);
  const decision = decide(plan, views, {
    undo: turn.state.abort ?? stage.cause,
    undoneFor: turn.state.undoneFor,
    gracePassed: stage.gracePassed,
    expired: turn.nowMs > Number(plan.expiresMs),
  });
  switch (decision.kind) {
    case 'forward':
      turn.state.mayBeCommitted = decision.position >= COMMIT_POSITION;
      turn.next = { to: 'forward', position: decision.position };
      return;
    case 'undo':
      turn.state.mayBeCommitted = false;
      turn.next = { to: 'undo', cause: decision.cause, fromPhase: decision.fromPhase };
      return;
    case 'ended':
      turn.next = { to: 'ended', outcome: decision.outcome, failure: decision.failure };
      return;
    case 'wait':
      if (!stage.patient) turn.notice(decision.failure.code, decision.failure.message);
      return lookAgain(
        turn,
        stage,
        plan.nodes.map((each) => each.node).filter((node) => views.get(node)?.kind === 'absent'),
      );
  }
}

function isUnended({ operationId }: RestorePlan, ledger: ReadLedgerResponse): boolean {
  return (
    ledger.operationId === operationId &&
    (ledger.state === LedgerState.OPERATION_STATE_OPEN ||
      ledger.state === LedgerState.OPERATION_STATE_COMMITTED)
  );
}

function isOurs(turn: Turn, { promised }: ReadLedgerResponse): boolean {
  const { epoch } = turn.state;
  return promised?.number === epoch.number && promised.coordinatorId === epoch.coordinatorId;
}

/** Not at once: one that answers and yet promises nothing would be asked without end. */
function lookAgain(turn: Turn, stage: SettleStage, absent: readonly string[]): void {
  turn.setStage({
    ...stage,
    part: 'survey',
    patient: true,
    pending: new Set(absent),
    absent: new Set(absent),
    attempts: new Map(),
  });
  for (const node of absent) turn.setTimer({ kind: 'retry', node }, RETRY_LONGEST_MS);
}

/** What the ledgers remember becomes what this coordinator knows. */
function recall(
  turn: Turn,
  views: ReadonlyMap<string, LedgerView>,
  ledgers: readonly ReadLedgerResponse[],
): void {
  const { state } = turn;
  if (state.phases.length === 0) {
    state.phases = phasesOf(ledgers);
    const [first] = state.phases;
    if (first !== undefined) state.startedMs = Math.min(state.startedMs, first.startedMs);
  }
  const fencedMs = fencedAt(ledgers);
  if (state.fencedMs === undefined && fencedMs !== undefined) {
    state.fencedMs = fencedMs;
    const maxOutageMs = Number(state.plan.maxOutageMs);
    if (maxOutageMs > 0) {
      turn.setTimer({ kind: 'max-outage' }, Math.max(0, fencedMs + maxOutageMs - turn.nowMs));
    }
  }
  for (const [node, view] of views) {
    if (view.kind === 'absent') turn.setNode(node, { promised: undefined });
    // After the fence a lost ledger leaves its node in a state that nobody can name.
    else if (view.kind !== 'known') turn.setNode(node, { promised: state.fencedMs !== undefined });
    else {
      const step = FORWARD_STEPS[view.begun];
      turn.setNode(node, {
        ...(step === undefined ? {} : { phase: step.phase }),
        promised: true,
        committed:
          view.state === LedgerState.OPERATION_STATE_COMMITTED ||
          view.state === LedgerState.OPERATION_STATE_CLOSED,
        closed: view.state === LedgerState.OPERATION_STATE_CLOSED,
        undone: view.state === LedgerState.OPERATION_STATE_UNDONE,
      });
    }
  }
}

function readable(stage: SettleStage): ReadLedgerResponse[] {
  return [...stage.ledgers.values()].filter((each) => typeof each === 'object');
}

function reached(stage: SettleStage): string[] {
  return [...stage.ledgers].flatMap(([node, ledger]) => (ledger === 'absent' ? [] : [node]));
}
