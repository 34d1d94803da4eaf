import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Operation, OperationReport } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { failureOf } from './failures.ts';
import { FORWARD_STEPS, wordsOf } from './phases.ts';
import { fencedAt, type LedgerView, phasesOf, viewOf } from './recovery.ts';
import { describeOperation, reportOf } from './report.ts';
import { type NodeState, newOperation, type OperationState, type Stage } from './state.ts';

/** What one agent says of an operation; `absent` where it does not answer. */
export type Observation = ReadLedgerResponse | 'absent' | 'unknown';

/**
 * An operation as the agents' ledgers show it to who does not run it: for reading, never to act
 * upon. It has ended where every planned ledger says so; what nobody can tell is left open.
 */
export function observeOperation(
  plan: RestorePlan,
  observations: ReadonlyMap<string, Observation>,
): { readonly operation: Operation; readonly report: OperationReport | undefined } {
  const views = new Map(plan.nodes.map(({ node }) => [node, viewOf(plan, node, observations.get(node))]));
  const ledgers = [...observations.values()].filter(
    (each): each is ReadLedgerResponse => typeof each === 'object' && each.operationId === plan.operationId,
  );
  const epoch = ledgers
    .map(({ promised }) => promised)
    .reduce((a, b) => ((b?.number ?? 0n) > (a?.number ?? 0n) ? b : a), undefined);
  const times = ledgers.flatMap(({ effects }) => effects.map((each) => Number(each.completedMs)));
  const phases = phasesOf(ledgers);
  const stage = stageOf(views);
  const fresh = newOperation(plan, epoch ?? { number: 0n, coordinatorId: '' }, Number(plan.createdMs));
  const state: OperationState = {
    ...fresh,
    startedMs: phases[0]?.startedMs ?? fresh.startedMs,
    stage,
    phases,
    fencedMs: fencedAt(ledgers),
    nodes: new Map([...views].map(([node, view]) => [node, nodeOf(node, view)])),
    endedMs: stage.kind === 'ended' ? Math.max(fresh.startedMs, ...times) : undefined,
  };
  const undoing = stage.kind !== 'ended' && [...views.values()].some((view) => isUndone(view));
  return {
    operation: { ...describeOperation(state), undoing },
    report: stage.kind === 'ended' ? reportOf(state) : undefined,
  };
}

function stageOf(views: ReadonlyMap<string, LedgerView>): Stage {
  const all = [...views.values()];
  const inState = (state: LedgerState): number =>
    all.filter((view) => view.kind === 'known' && view.state === state).length;
  if (inState(LedgerState.OPERATION_STATE_CLOSED) === all.length) {
    return { kind: 'ended', outcome: Outcome.OUTCOME_RESTORED, failure: undefined };
  }
  const undone = inState(LedgerState.OPERATION_STATE_UNDONE);
  const untouched = all.filter((view) => view.kind === 'unknown').length;
  if (undone > 0 && undone + untouched === all.length) {
    const failure = failureOf('ABORTED', 'the operation was undone on every node; who ended it knows why');
    return { kind: 'ended', outcome: Outcome.OUTCOME_ROLLED_BACK, failure };
  }
  return { kind: 'superseded' };
}

function nodeOf(node: string, view: LedgerView): NodeState {
  const step = view.kind === 'known' ? FORWARD_STEPS[view.begun] : undefined;
  const done = view.kind === 'known' && step?.ask.kind === 'execute' && view.completed.has(step.ask.step);
  const state = view.kind === 'known' ? view.state : LedgerState.OPERATION_STATE_UNSPECIFIED;
  return {
    node,
    phase: step?.phase ?? 0,
    words: step === undefined ? '' : wordsOf(step),
    done,
    failure:
      view.kind === 'absent' ? failureOf('NODE_UNREACHABLE', 'its agent did not answer', node) : undefined,
    promised: view.kind === 'known',
    committed:
      state === LedgerState.OPERATION_STATE_COMMITTED || state === LedgerState.OPERATION_STATE_CLOSED,
    closed: state === LedgerState.OPERATION_STATE_CLOSED,
    undone: state === LedgerState.OPERATION_STATE_UNDONE,
  };
}

function isUndone(view: LedgerView): boolean {
  return view.kind === 'known' && (view.undoBegun || view.state === LedgerState.OPERATION_STATE_UNDONE);
}
