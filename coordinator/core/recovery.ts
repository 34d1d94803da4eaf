import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodePlan, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { hasMember, takesStep } from '@lockstep/shared/plan/part.ts';
import { failureOf } from './failures.ts';
import {
  COMMIT_POSITION,
  FENCE_POSITION,
  FORWARD_STEPS,
  PREPARE_GATE_POSITION,
  positionOfStep,
} from './phases.ts';
import type { PhaseRecord } from './state.ts';

/** What one agent's ledger says of an operation; `stranger` where it is not the ledger that the plan names. */
export type LedgerView =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'stranger' }
  | {
      readonly kind: 'known';
      readonly state: LedgerState;
      /** Position of the furthest step begun; -1 where none is. */
      readonly begun: number;
      readonly completed: ReadonlySet<Step>;
      readonly undoBegun: boolean;
    };

export type Decision =
  | { readonly kind: 'forward'; readonly position: number }
  | { readonly kind: 'undo'; readonly cause: Failure; readonly fromPhase: Phase }
  | { readonly kind: 'ended'; readonly outcome: Outcome; readonly failure: Failure | undefined }
  /** Who does not answer may have committed: nothing is safe to begin without them. */
  | { readonly kind: 'wait'; readonly failure: Failure };

export function viewOf(
  plan: RestorePlan,
  node: string,
  ledger: ReadLedgerResponse | 'absent' | 'unknown' | undefined,
): LedgerView {
  if (ledger === undefined || ledger === 'absent') return { kind: 'absent' };
  if (ledger === 'unknown') return { kind: 'unknown' };
  const planned = plan.nodes.find((each) => each.node === node);
  if (planned !== undefined && ledger.ledgerId !== planned.ledgerId) return { kind: 'stranger' };
  if (ledger.operationId !== plan.operationId || ledger.state === LedgerState.OPERATION_STATE_UNSPECIFIED) {
    return { kind: 'unknown' };
  }
  const positions = ledger.effects.map((effect) => positionOfStep(effect.step));
  return {
    kind: 'known',
    state: ledger.state,
    begun: Math.max(-1, ...positions),
    completed: new Set(ledger.effects.flatMap((each) => (each.completedMs > 0n ? [each.step] : []))),
    undoBegun: ledger.effects.some((effect) => effect.step >= Step.STEP_UNDO_STOP),
  };
}

/**
 * From what the ledgers say to what is next. Called with every reachable agent holding this
 * coordinator's promise, so nothing that was read can change by anyone else's command. The
 * argument is in docs/commit-and-undo.md.
 */
export function decide(
  plan: RestorePlan,
  views: ReadonlyMap<string, LedgerView>,
  wish: {
    readonly undo: Failure | undefined;
    /** As in the state. */
    readonly undoneFor?: Failure | undefined;
    readonly gracePassed: boolean;
    readonly expired: boolean;
  },
): Decision {
  const nodes = plan.nodes.map((each) => ({ node: each.node, view: views.get(each.node) ?? ABSENT }));
  const named = (kind: LedgerView['kind']): string[] =>
    nodes.flatMap(({ node, view }) => (view.kind === kind ? [node] : []));
  const known = nodes.flatMap(({ node, view }) => (view.kind === 'known' ? [{ node, ...view }] : []));
  const inState = (...states: LedgerState[]): string[] =>
    known.flatMap((each) => (states.includes(each.state) ? [each.node] : []));

  const committed = inState(LedgerState.OPERATION_STATE_COMMITTED, LedgerState.OPERATION_STATE_CLOSED);
  const undone = inState(LedgerState.OPERATION_STATE_UNDONE);
  const undoing = known.flatMap((each) => (each.undoBegun ? [each.node] : []));
  const absent = named('absent');
  const strangers = named('stranger');

  if (committed.length > 0) {
    const contrary = [...new Set([...undone, ...undoing])];
    if (contrary.length > 0) {
      return needsOperator(
        failureOf(
          'LEDGERS_DISAGREE',
          `committed on ${committed.join(', ')}; undone or being undone on ${contrary.join(', ')}`,
        ),
      );
    }
    if (inState(LedgerState.OPERATION_STATE_CLOSED).length === plan.nodes.length) {
      return { kind: 'ended', outcome: Outcome.OUTCOME_RESTORED, failure: undefined };
    }
    const lost = [...strangers, ...named('unknown')];
    if (lost.length > 0) {
      return needsOperator(
        failureOf('LEDGER_STRANGER', `committed, but the ledger of ${lost.join(', ')} knows nothing of it`),
      );
    }
    return { kind: 'forward', position: COMMIT_POSITION };
  }

  const begun = Math.max(-1, ...known.map((each) => each.begun));
  const fromPhase = FORWARD_STEPS[Math.max(0, begun)]?.phase ?? Phase.PHASE_PROMISE;
  if (undone.length + named('unknown').length === plan.nodes.length) {
    const failure =
      wish.undo ?? wish.undoneFor ?? failureOf('ABORTED', 'the operation had been undone on every node');
    return { kind: 'ended', outcome: Outcome.OUTCOME_ROLLED_BACK, failure };
  }
  if (undone.length > 0 || undoing.length > 0) {
    const cause =
      wish.undo ?? wish.undoneFor ?? failureOf('ABORTED', 'an undo was under way and is finished now');
    return { kind: 'undo', cause, fromPhase };
  }

  if (absent.length > 0 && commitIsPossible(plan, views)) {
    const words = `${absent.join(', ')} did not answer and may have committed`;
    return { kind: 'wait', failure: failureOf('NODE_UNREACHABLE', words) };
  }
  if (wish.undo !== undefined) return { kind: 'undo', cause: wish.undo, fromPhase };
  // A coordinator may come back after days, in which the cluster was used on: what was agreed to
  // at the plan is no longer what a restore would destroy. Once it is down, forward is right.
  if (wish.expired && begun < FENCE_POSITION) {
    const failure = failureOf('PLAN_EXPIRED', 'the plan expired while nobody carried it out');
    return { kind: 'undo', cause: failure, fromPhase };
  }
  if (absent.length > 0) {
    const failure = failureOf('NODE_UNREACHABLE', `${absent.join(', ')} did not answer`);
    return wish.gracePassed ? { kind: 'undo', cause: failure, fromPhase } : { kind: 'wait', failure };
  }
  // A ledger without this operation, while others are past the promise, is a ledger that was lost.
  const lost = [...strangers, ...(begun >= 0 ? named('unknown') : [])];
  if (lost.length > 0) {
    const failure = failureOf('LEDGER_STRANGER', `the ledger of ${lost.join(', ')} is not the plan's`);
    return { kind: 'undo', cause: failure, fromPhase };
  }
  if (named('unknown').length > 0) return { kind: 'forward', position: 0 };
  // Barriers: whoever has begun a step knows that all had done those before it. The step itself
  // is asked of everyone again; agents remember effects and make proofs afresh.
  return { kind: 'forward', position: Math.max(0, begun) };
}

/**
 * Whether an agent that does not answer can have committed. Commit is sent only once every node
 * has started its member, or has done what it does in its stead, and the first member has prepared
 * the gate; a reachable ledger of the plan's that lacks its part proves that it never was. One that
 * was lost proves nothing.
 */
export function commitIsPossible(plan: RestorePlan, views: ReadonlyMap<string, LedgerView>): boolean {
  const first = plan.nodes.filter(hasMember).sort((a, b) => a.order - b.order)[0]?.node;
  const known = plan.nodes.flatMap((planned) => {
    const view = views.get(planned.node);
    return view?.kind === 'known' ? [{ node: planned.node, last: lastBeforeGate(planned), view }] : [];
  });
  // The plan's own ledger that never took the plan is such a proof; nobody's answer is none.
  if (known.length === 0) return ![...views.values()].some((view) => view.kind === 'unknown');
  return known.every(
    ({ node, last, view }) =>
      (last === undefined || view.completed.has(last)) &&
      (node !== first || view.begun >= PREPARE_GATE_POSITION),
  );
}

/** The last step that every node of its kind takes before the gate: who commits has completed it. */
function lastBeforeGate(planned: NodePlan): Step | undefined {
  return FORWARD_STEPS.slice(0, PREPARE_GATE_POSITION)
    .flatMap(({ ask }) => (ask.kind === 'execute' ? [ask.step] : []))
    .findLast((step) => takesStep(planned, step));
}

/** Open or committed: somebody must finish it. */
export function isUnended({ operationId, state }: ReadLedgerResponse): boolean {
  return (
    operationId !== '' &&
    (state === LedgerState.OPERATION_STATE_OPEN || state === LedgerState.OPERATION_STATE_COMMITTED)
  );
}

/** When downtime began, by the agents' clocks. */
export function fencedAt(ledgers: Iterable<ReadLedgerResponse>): number | undefined {
  const times = [...ledgers].flatMap((ledger) =>
    ledger.effects.flatMap((effect) =>
      positionOfStep(effect.step) >= FENCE_POSITION ? [Number(effect.intendedMs)] : [],
    ),
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The phases as the ledgers remember them, for a coordinator whose journal is gone. */
export function phasesOf(ledgers: Iterable<ReadLedgerResponse>): PhaseRecord[] {
  const spans = new Map<Phase, { startedMs: number; endedMs: number }>();
  for (const ledger of ledgers) {
    for (const effect of ledger.effects) {
      const phase = FORWARD_STEPS[positionOfStep(effect.step)]?.phase;
      if (phase === undefined) continue;
      const span = spans.get(phase) ?? { startedMs: Number.POSITIVE_INFINITY, endedMs: 0 };
      span.startedMs = Math.min(span.startedMs, Number(effect.intendedMs));
      span.endedMs = Math.max(span.endedMs, Number(effect.completedMs), Number(effect.intendedMs));
      spans.set(phase, span);
    }
  }
  return [...spans].map(([phase, span]) => ({ phase, ...span })).sort((a, b) => a.startedMs - b.startedMs);
}

const ABSENT: LedgerView = { kind: 'absent' };

function needsOperator(failure: Failure): Decision {
  return { kind: 'ended', outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure };
}
