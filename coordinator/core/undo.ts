import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Answer } from './events.ts';
import { failureOf, isRefusal, isTransient, isUnreachable, saysNeverTaken } from './failures.ts';
import {
  ANSWER_GRACE_MS,
  MAX_FAULTS_PER_STEP,
  SHORT_CALL_TIMEOUT_MS,
  UNDO_ABSENT_GRACE_MS,
  UNDO_PATIENCE_MS,
} from './limits.ts';
import { STEP_WORDS, UNDO_STEPS } from './phases.ts';
import { mayUndoWithout } from './quorum.ts';
import type { PendingCall, TimerPurpose, UndoStage } from './state.ts';
import { and, retryDelayMs, type Turn, with1, without } from './turn.ts';

/**
 * Undo is convergence: each agent looks at what is and goes to OLD, as often as asked. Everyone
 * who may have promised takes part, so a node that only staged forgets and deletes.
 */
export function enterUndo(turn: Turn, cause: Failure, fromPhase: Phase): void {
  turn.drop();
  turn.enterPhase(Phase.PHASE_UNDO);
  turn.publish({ $case: 'undoStarted', value: { fromPhase, cause } });
  const taking = turn.order
    .map((each) => each.node)
    .filter((node) => turn.node(node).promised !== false && !turn.node(node).undone);
  turn.setStage({
    kind: 'undo',
    cause,
    fromPhase,
    index: 0,
    stepStartedMs: turn.nowMs,
    taking: new Set(taking),
    pending: new Set(),
    attempts: new Map(),
    faults: new Map(),
    absent: new Set(),
    away: new Set(),
    failures: new Map(),
    gracePassed: false,
  });
  beginStep(turn, 0);
}

export function onUndoAnswer(turn: Turn, stage: UndoStage, call: PendingCall, answer: Answer): void {
  // Gone on without this node: it will be asked anew when its open ledger is found.
  if (!stage.pending.has(call.node)) return;
  if (answer.kind === 'promise') {
    turn.setNode(call.node, { promised: true });
    return ask(turn, stage, call.node);
  }
  if (answer.kind !== 'execute') throw new Error(`an answer to ${answer.kind} in undo`);
  const { failure } = answer.result;
  if (failure !== undefined) return onUndoFailure(turn, stage, call, failure);
  if (stage.index === UNDO_STEPS.length - 1) turn.setNode(call.node, { undone: true });
  turn.nodeDone(call.node);
  settleNode(turn, stage, call.node);
}

export function onUndoFailure(turn: Turn, last: UndoStage, call: PendingCall, failure: Failure): void {
  const { node } = call;
  if (!last.pending.has(node)) return;
  if (isUnreachable(failure)) return onUnreachable(turn, { ...last, absent: and(last.absent, node) }, node);
  const stage: UndoStage = { ...last, absent: without(last.absent, node) };
  if (failure.code === 'ALREADY_UNDONE') {
    turn.setNode(node, { undone: true });
    turn.nodeDone(node);
    return settleNode(turn, stage, node);
  }
  if (failure.code === 'ALREADY_COMMITTED') {
    // Never by the protocol: undo begins only where no planned agent can have committed.
    const words = `${node} is committed although undo had begun`;
    return stop(turn, failureOf('LEDGERS_DISAGREE', words, node, [failure]));
  }
  const unsure = turn.node(node).promised !== true;
  if (unsure && failure.code === 'EPOCH_STALE' && turn.state.settleRounds > 0) {
    // It was away when promises were asked for, and still holds that of before: it may stand anywhere.
    turn.next = { to: 'settle', cause: stage.cause };
    return;
  }
  if (call.ask.kind === 'promise' && failure.code === 'EPOCH_STALE') {
    // Who promised more has taken this operation over, or commands another: either way it is theirs.
    turn.next = { to: 'superseded' };
    return;
  }
  const isRefused = call.ask.kind === 'promise' && !isTransient(failure);
  if (saysNeverTaken(failure) || isRefused || (unsure && failure.code === 'EPOCH_STALE')) {
    // Before the fence nothing of the node was touched: a ledger that was lost holds nothing to undo.
    // After it every planned node had promised, so that NEW may run where the ledger knows of nothing.
    if (turn.state.fencedMs === undefined) {
      if (unsure && call.ask.kind !== 'promise') return askToTakeIt(turn, stage, node);
      turn.setNode(node, { promised: false });
      turn.nodeDone(node);
      return settleNode(turn, { ...stage, taking: without(stage.taking, node) }, node);
    }
    return fail(turn, stage, node, failure);
  }
  if (failure.code === 'EPOCH_STALE') {
    turn.next = { to: 'superseded' };
    return;
  }
  if (isTransient(failure)) return retry(turn, stage, node);
  turn.nodeFailed(node, failure);
  const faults = (stage.faults.get(node) ?? 0) + 1;
  if (faults < MAX_FAULTS_PER_STEP) {
    return retry(turn, { ...stage, faults: with1(stage.faults, node, faults) }, node);
  }
  fail(turn, stage, node, failure);
}

export function onUndoTimer(turn: Turn, stage: UndoStage, purpose: TimerPurpose): void {
  switch (purpose.kind) {
    case 'retry':
      return ask(turn, stage, purpose.node);
    case 'grace': {
      const passed = { ...stage, gracePassed: true };
      turn.setStage(passed);
      return goOnWithoutAbsent(turn, passed);
    }
    case 'patience':
      return onPatienceOver(turn, stage);
    case 'step-deadline':
    case 'gate-retry':
    case 'max-outage':
      throw new Error(`timer ${purpose.kind} in undo`);
  }
}

function beginStep(turn: Turn, index: number): void {
  const stage = undoOf(turn);
  const step = UNDO_STEPS[index];
  if (step === undefined) throw new Error(`no undo step ${index}`);
  turn.drop();
  // Where a step of undo failed the next is not asked for: its refusal would hide what failed.
  const nodes = [...stage.taking].filter(
    (node) => !stage.away.has(node) && !stage.failures.has(node) && !turn.node(node).undone,
  );
  const begun: UndoStage = {
    ...stage,
    index,
    stepStartedMs: turn.nowMs,
    pending: new Set(nodes),
    attempts: new Map(),
    faults: new Map(),
    absent: new Set(),
    gracePassed: false,
  };
  turn.setStage(begun);
  if (nodes.length === 0) return advance(turn, begun);
  turn.setTimer({ kind: 'grace' }, UNDO_ABSENT_GRACE_MS);
  turn.setTimer({ kind: 'patience' }, UNDO_PATIENCE_MS);
  for (const node of nodes) {
    turn.nodeWorks(node, Phase.PHASE_UNDO, STEP_WORDS[step.step]);
    ask(turn, begun, node);
  }
}

function ask(turn: Turn, stage: UndoStage, node: string): void {
  const step = stepAt(stage);
  turn.call(
    node,
    { kind: 'execute', epoch: turn.state.epoch, step: step.step, timeoutMs: step.timeoutMs },
    step.timeoutMs + ANSWER_GRACE_MS,
  );
}

/**
 * The promise that was asked of this node may still be on its way, and another coordinator would go
 * on with who took it after this one had said that all is undone. So it takes the plan now, and what
 * is undone is on record there, or it refuses it.
 */
function askToTakeIt(turn: Turn, stage: UndoStage, node: string): void {
  turn.setStage(stage);
  turn.call(node, { kind: 'promise', epoch: turn.state.epoch }, SHORT_CALL_TIMEOUT_MS);
}

function retry(turn: Turn, stage: UndoStage, node: string): void {
  const attempt = stage.attempts.get(node) ?? 0;
  turn.setStage({ ...stage, attempts: with1(stage.attempts, node, attempt + 1) });
  turn.setTimer({ kind: 'retry', node }, retryDelayMs(attempt));
}

function onUnreachable(turn: Turn, stage: UndoStage, node: string): void {
  retry(turn, stage, node);
  if (stage.gracePassed) goOnWithoutAbsent(turn, undoOf(turn));
}

/** Who has not answered by now is away, if OLD can live without them. */
function goOnWithoutAbsent(turn: Turn, stage: UndoStage): void {
  const absent = [...stage.pending].filter((node) => stage.absent.has(node));
  if (absent.length === 0) return;
  const away = new Set([...stage.away, ...absent]);
  if (!mayGoOnWithout(turn, stage, away)) return;
  turn.notice(
    'NODE_UNREACHABLE',
    `${absent.join(', ')} did not answer; each goes back to OLD when it returns`,
  );
  const pending = new Set([...stage.pending].filter((node) => !away.has(node)));
  const next: UndoStage = { ...stage, away, pending };
  turn.setStage(next);
  if (pending.size === 0) advance(turn, next);
}

/**
 * One node at least must have the undo on record: from then on no other coordinator can bring the
 * operation to its commit. With none, nobody may say that it is undone: who hears nobody may have
 * been asleep while another one committed it. After the fence OLD must also be able to serve.
 */
function mayGoOnWithout(
  { state }: Turn,
  { index, taking, failures }: UndoStage,
  away: ReadonlySet<string>,
): boolean {
  const isUndone = (node: string): boolean => state.nodes.get(node)?.undone === true;
  const isHeard = (node: string): boolean => taking.has(node) && !away.has(node);
  const planned = state.plan.nodes.map(({ node }) => node);
  if (state.fencedMs === undefined) {
    return planned.some((node) => isUndone(node) || (isHeard(node) && !failures.has(node)));
  }
  // Nobody gets past the first step without one who was heard in it.
  const isOnRecord = index > 0 || planned.some((node) => isUndone(node) || isHeard(node));
  return isOnRecord && mayUndoWithout(state.plan, away);
}

function onPatienceOver(turn: Turn, stage: UndoStage): void {
  const late = [...stage.pending];
  if (late.every((node) => stage.absent.has(node))) {
    const words = `no answer for ${UNDO_PATIENCE_MS} ms from ${late.join(', ')}`;
    return stop(turn, failureOf('UNDO_WITHOUT_QUORUM', words));
  }
  const failures = late.map((node) =>
    failureOf('STEP_TIMED_OUT', `${STEP_WORDS[stepAt(stage).step]} did not end on ${node}`, node),
  );
  for (const failure of failures) turn.nodeFailed(failure.node, failure);
  stop(turn, undoFailed([...stage.failures.values(), ...failures]));
}

function settleNode(turn: Turn, stage: UndoStage, node: string): void {
  const next = { ...stage, pending: without(stage.pending, node) };
  turn.setStage(next);
  if (next.pending.size === 0) advance(turn, next);
  else if (next.gracePassed) goOnWithoutAbsent(turn, next);
}

/** One node cannot be undone. While NEW may still run there nobody starts OLD; later the others go on. */
function fail(turn: Turn, stage: UndoStage, node: string, failure: Failure): void {
  const named = { ...failure, node };
  if (stage.index === 0) return stop(turn, undoFailed([named]));
  settleNode(turn, { ...stage, failures: with1(stage.failures, node, named) }, node);
}

function advance(turn: Turn, stage: UndoStage): void {
  if (stage.index + 1 < UNDO_STEPS.length) return beginStep(turn, stage.index + 1);
  if (stage.failures.size > 0) return stop(turn, undoFailed([...stage.failures.values()]));
  const refused = turn.state.fencedMs === undefined && isRefusal(stage.cause);
  turn.next = {
    to: 'ended',
    outcome: refused ? Outcome.OUTCOME_REFUSED : Outcome.OUTCOME_ROLLED_BACK,
    failure: stage.cause,
  };
}

function stop(turn: Turn, failure: Failure): void {
  turn.next = { to: 'ended', outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure };
}

function undoFailed(failures: readonly Failure[]): Failure {
  const nodes = failures.map((each) => each.node).join(', ');
  return failureOf('UNDO_FAILED', `OLD could not be brought back on ${nodes}`, '', failures);
}

function stepAt(stage: UndoStage): (typeof UNDO_STEPS)[number] {
  const step = UNDO_STEPS[stage.index];
  if (step === undefined) throw new Error(`no undo step ${stage.index}`);
  return step;
}

function undoOf(turn: Turn): UndoStage {
  const { stage } = turn.state;
  if (stage.kind !== 'undo') throw new Error(`not in undo but ${stage.kind}`);
  return stage;
}
