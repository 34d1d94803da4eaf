import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Effect, TransitionEvent } from './events.ts';
import { enterForward, onForwardAnswer, onForwardFailure, onForwardTimer } from './forward.ts';
import { COMMIT_POSITION } from './phases.ts';
import { enterSettle, onSettleAnswer, onSettleFailure, onSettleTimer } from './settle.ts';
import type { OperationState } from './state.ts';
import { type Entry, Turn } from './turn.ts';
import { enterUndo, onUndoAnswer, onUndoFailure, onUndoTimer } from './undo.ts';

/**
 * What follows an event: the next state, and what to do about it, in order. Pure. An event that
 * cannot be (an answer to a question never asked, a second start) throws: it is a defect, and
 * going on would be worse. An answer that is merely late is ignored.
 */
export function step(
  state: OperationState,
  event: TransitionEvent,
): { readonly state: OperationState; readonly effects: readonly Effect[] } {
  const turn = new Turn(state, event.atMs);
  handle(turn, event);
  for (let entry = turn.next; entry !== undefined; entry = turn.next) {
    turn.next = undefined;
    enter(turn, entry);
  }
  assertInvariants(state, turn.state);
  return { state: turn.state, effects: turn.effects };
}

function handle(turn: Turn, event: TransitionEvent): void {
  const { stage } = turn.state;
  switch (event.kind) {
    case 'started':
      if (stage.kind !== 'new') throw new Error(`started although ${stage.kind}`);
      turn.next =
        turn.state.settleRounds > 0 ? { to: 'settle', cause: undefined } : { to: 'forward', position: 0 };
      return;
    case 'answered':
    case 'failed': {
      const call = turn.takeCall(event.call);
      if (call === undefined) return;
      if (event.kind === 'answered' && event.answer.kind !== call.ask.kind) {
        throw new Error(`${event.answer.kind} answers ${call.ask.kind}`);
      }
      switch (stage.kind) {
        case 'forward':
          return event.kind === 'answered'
            ? onForwardAnswer(turn, stage, call, event.answer)
            : onForwardFailure(turn, stage, call, event.failure);
        case 'undo':
          return event.kind === 'answered'
            ? onUndoAnswer(turn, stage, call, event.answer)
            : onUndoFailure(turn, stage, call, event.failure);
        case 'settle':
          return event.kind === 'answered'
            ? onSettleAnswer(turn, stage, call, event.answer)
            : onSettleFailure(turn, stage, call, event.failure);
        default:
          throw new Error(`a call is open although ${stage.kind}`);
      }
    }
    case 'timer': {
      const purpose = turn.takeTimer(event.timer);
      if (purpose === undefined) return;
      switch (stage.kind) {
        case 'forward':
          return onForwardTimer(turn, stage, purpose);
        case 'undo':
          return onUndoTimer(turn, stage, purpose);
        case 'settle':
          return onSettleTimer(turn, stage, purpose);
        default:
          throw new Error(`a timer is set although ${stage.kind}`);
      }
    }
    case 'progressed': {
      const call = turn.state.calls.get(event.call);
      if (call !== undefined) turn.nodeProgressed(call.node, event.progress);
      return;
    }
    case 'noticed':
      return turn.notice(event.code, event.message);
    case 'abort':
      return abort(turn, event.failure);
  }
}

/** Undo on request: at once before commit; where the ledgers are being read, once they allow it. */
function abort(turn: Turn, failure: Failure): void {
  const { stage } = turn.state;
  turn.state.abort = turn.state.abort ?? failure;
  switch (stage.kind) {
    case 'new':
    case 'settle':
    case 'undo':
      return;
    case 'forward':
      if (stage.position >= COMMIT_POSITION) throw new Error('abort after commit had begun');
      turn.next = { to: 'undo', cause: failure, fromPhase: turn.phase };
      return;
    case 'ended':
    case 'superseded':
      throw new Error(`abort although ${stage.kind}`);
  }
}

function enter(turn: Turn, entry: Entry): void {
  switch (entry.to) {
    case 'forward':
      return enterForward(turn, entry.position);
    case 'undo':
      return enterUndo(turn, entry.cause, entry.fromPhase);
    case 'settle':
      return enterSettle(turn, entry.cause);
    case 'ended':
      return end(turn, entry.outcome, entry.failure);
    case 'superseded':
      turn.drop();
      turn.notice('EPOCH_STALE', 'Another coordinator has taken this operation over');
      turn.setStage({ kind: 'superseded' });
      return;
  }
}

function end(turn: Turn, outcome: Outcome, failure: Failure | undefined): void {
  turn.drop();
  turn.endPhase();
  turn.state.endedMs = turn.nowMs;
  turn.setStage({ kind: 'ended', outcome, failure });
  turn.publish({ $case: 'operationEnded', value: { outcome, failure } });
}

/** Asserted on every step, in production too: a coordinator that breaks one of these must stop. */
function assertInvariants(before: OperationState, after: OperationState): void {
  const { stage } = after;
  if (stage.kind === 'undo' && after.mayBeCommitted) {
    throw new Error('undo although an agent may have committed');
  }
  if (stage.kind === 'undo' && [...after.nodes.values()].some((node) => node.committed)) {
    throw new Error('undo although an agent has committed');
  }
  if (stage.kind === 'forward' && stage.position > COMMIT_POSITION) {
    const uncommitted = [...after.nodes.values()].filter((node) => !node.committed);
    if (uncommitted.length > 0) {
      throw new Error(`past commit although ${uncommitted.map((node) => node.node).join(', ')} has not`);
    }
  }
  if (stage.kind === 'ended' && stage.outcome === Outcome.OUTCOME_RESTORED) {
    if ([...after.nodes.values()].some((node) => !node.closed)) throw new Error('restored but not closed');
  }
  if (before.stage.kind === 'ended') throw new Error('an event after the end');
  if (after.epoch.number < before.epoch.number) throw new Error('the epoch went back');
}
