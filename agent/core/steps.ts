import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { PlanKind } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { isUndo, isUndoing, type OperationView, type RunnableStep, STEP_NAMES } from './operation.ts';
import { type Refused, refused } from './verdict.ts';

export type StepVerdict =
  | Refused
  /** Do it; every step converges, so doing it again is safe. */
  | { readonly kind: 'run' }
  /** It was done, and its time is over: answer from the ledger, touch nothing. */
  | { readonly kind: 'answer' };

const RUN: StepVerdict = { kind: 'run' };
const ANSWER: StepVerdict = { kind: 'answer' };

/**
 * The step that must have completed on this node before. The barrier across nodes is the
 * coordinator's; this is what one node can hold by itself.
 */
const FOLLOWS = {
  [Step.STEP_STAGE]: undefined,
  [Step.STEP_BUILD]: Step.STEP_STAGE,
  [Step.STEP_SAFEGUARD]: Step.STEP_BUILD,
  [Step.STEP_REINSPECT]: Step.STEP_SAFEGUARD,
  [Step.STEP_FENCE_API]: Step.STEP_REINSPECT,
  [Step.STEP_FENCE_ETCD]: Step.STEP_FENCE_API,
  [Step.STEP_SWAP]: Step.STEP_FENCE_ETCD,
  [Step.STEP_START_KUBELET]: Step.STEP_SWAP,
  [Step.STEP_START_ETCD]: Step.STEP_START_KUBELET,
  [Step.STEP_PREPARE_GATE]: Step.STEP_START_ETCD,
  [Step.STEP_START_API]: Step.STEP_START_ETCD,
  [Step.STEP_START_CONTROLLERS]: Step.STEP_START_API,
  [Step.STEP_CLOSE]: Step.STEP_START_CONTROLLERS,
  [Step.STEP_UNDO_STOP]: undefined,
  [Step.STEP_UNDO_START]: Step.STEP_UNDO_STOP,
  [Step.STEP_UNDO_VERIFY]: Step.STEP_UNDO_START,
  [Step.STEP_SET_ASIDE]: undefined,
  [Step.STEP_REJOIN_ADMIT]: undefined,
  [Step.STEP_REJOIN_EMPTY]: undefined,
  [Step.STEP_REJOIN_START]: Step.STEP_REJOIN_EMPTY,
  [Step.STEP_REJOIN_PROMOTE]: Step.STEP_REJOIN_ADMIT,
  [Step.STEP_REJOIN_SERVE]: Step.STEP_REJOIN_START,
  [Step.STEP_REJOIN_BACK]: undefined,
} as const satisfies Record<RunnableStep, RunnableStep | undefined>;

/**
 * The step whose beginning ends another's time. A late or repeated command of before is then
 * answered from the ledger if it was done, and refused if not: BUILD after REINSPECT would remove what
 * that has proven, and after SWAP it would remove OLD; FENCE_API after START_KUBELET would stop what
 * was just started.
 */
const TIME_ENDS_WITH = {
  [Step.STEP_STAGE]: Step.STEP_FENCE_API,
  [Step.STEP_BUILD]: Step.STEP_REINSPECT,
  [Step.STEP_SAFEGUARD]: Step.STEP_FENCE_API,
  [Step.STEP_REINSPECT]: Step.STEP_FENCE_API,
  [Step.STEP_FENCE_API]: Step.STEP_START_KUBELET,
  [Step.STEP_FENCE_ETCD]: Step.STEP_START_KUBELET,
  [Step.STEP_SWAP]: Step.STEP_START_KUBELET,
  [Step.STEP_START_KUBELET]: undefined,
  [Step.STEP_START_ETCD]: undefined,
  [Step.STEP_PREPARE_GATE]: undefined,
  [Step.STEP_START_API]: undefined,
  [Step.STEP_START_CONTROLLERS]: undefined,
  [Step.STEP_CLOSE]: undefined,
  [Step.STEP_UNDO_STOP]: undefined,
  [Step.STEP_UNDO_START]: undefined,
  [Step.STEP_UNDO_VERIFY]: undefined,
  [Step.STEP_SET_ASIDE]: undefined,
  [Step.STEP_REJOIN_ADMIT]: undefined,
  // The empty store of a second EMPTY would remove what the member has joined with.
  [Step.STEP_REJOIN_EMPTY]: Step.STEP_REJOIN_START,
  [Step.STEP_REJOIN_START]: undefined,
  [Step.STEP_REJOIN_PROMOTE]: undefined,
  [Step.STEP_REJOIN_SERVE]: undefined,
  [Step.STEP_REJOIN_BACK]: undefined,
} as const satisfies Record<RunnableStep, RunnableStep | undefined>;

const REJOIN_STEPS: ReadonlySet<RunnableStep> = new Set([
  Step.STEP_REJOIN_ADMIT,
  Step.STEP_REJOIN_EMPTY,
  Step.STEP_REJOIN_START,
  Step.STEP_REJOIN_PROMOTE,
  Step.STEP_REJOIN_SERVE,
  Step.STEP_REJOIN_BACK,
]);

/** A plan of one kind has nothing for the steps of another: their orders know nothing of each other. */
export function judgeKind(kind: PlanKind, step: RunnableStep): StepVerdict {
  const wanted = REJOIN_STEPS.has(step)
    ? PlanKind.PLAN_KIND_REJOIN
    : step === Step.STEP_SET_ASIDE
      ? PlanKind.PLAN_KIND_SET_ASIDE
      : PlanKind.PLAN_KIND_UNSPECIFIED;
  if (kind === wanted) return RUN;
  return refused('STEP_OUT_OF_ORDER', `${STEP_NAMES[step]} is no step of an operation of this kind.`);
}

/** Refused before commit: a client could write, and the write would die with an undo. */
const ONLY_COMMITTED: ReadonlySet<RunnableStep> = new Set([
  Step.STEP_START_API,
  Step.STEP_START_CONTROLLERS,
  Step.STEP_CLOSE,
]);

/** Whether this node takes a step at all (shared/plan/part.ts). */
export type Takes = (step: RunnableStep) => boolean;

const ALL_OF_IT: Takes = () => true;

/** Whether a step may run now. Total over every state of the ledger, every step and every part. */
export function judgeStep(
  operation: OperationView,
  step: RunnableStep,
  takes: Takes = ALL_OF_IT,
): StepVerdict {
  const name = STEP_NAMES[step];
  if (!takes(step)) return refused('STEP_OUT_OF_ORDER', `${name}: this node has no part in it.`);
  switch (operation.phase) {
    case 'undone':
      return isUndo(step) ? ANSWER : refused('ALREADY_UNDONE', `${name}: OLD is back on this node.`);
    case 'closed':
      if (isUndo(step)) return refused('ALREADY_COMMITTED', `${name}: the operation is closed as restored.`);
      return answerIfDone(operation, step);
    case 'committed':
      if (isUndo(step))
        return refused('ALREADY_COMMITTED', `${name}: the operation is committed on this node.`);
      return inOrder(operation, step, takes);
    case 'open':
      if (isUndo(step)) return inOrder(operation, step, takes);
      if (isUndoing(operation)) return refused('ALREADY_UNDONE', `${name}: undo has begun on this node.`);
      if (ONLY_COMMITTED.has(step)) return refused('NOT_COMMITTED', `${name}: not committed on this node.`);
      return inOrder(operation, step, takes);
    default:
      return operation.phase satisfies never;
  }
}

/** A step that this node does not take is no bar: what counts is the one before that it does. */
function inOrder(operation: OperationView, step: RunnableStep, takes: Takes): StepVerdict {
  const before = takenBefore(step, takes);
  if (before !== undefined && !operation.completed.has(before)) {
    return refused(
      'STEP_OUT_OF_ORDER',
      `${STEP_NAMES[step]} follows ${STEP_NAMES[before]}, which has not completed on this node.`,
    );
  }
  const end = endOf(step, takes);
  if (end === undefined || !operation.intended.has(end)) return RUN;
  return answerIfDone(operation, step);
}

function takenBefore(step: RunnableStep, takes: Takes): RunnableStep | undefined {
  const before: RunnableStep | undefined = FOLLOWS[step];
  return before === undefined || takes(before) ? before : takenBefore(before, takes);
}

/** Where no kubelet is started, etcd's own start ends the time of the fence. */
function endOf(step: RunnableStep, takes: Takes): RunnableStep | undefined {
  const end: RunnableStep | undefined = TIME_ENDS_WITH[step];
  return end === Step.STEP_START_KUBELET && !takes(end) ? Step.STEP_START_ETCD : end;
}

/** The last step that a node takes before the gate: it has to be done where anything is committed. */
export function lastBeforeCommit(takes: Takes): RunnableStep | undefined {
  return takenBefore(Step.STEP_PREPARE_GATE, takes);
}

function answerIfDone(operation: OperationView, step: RunnableStep): StepVerdict {
  if (operation.completed.has(step)) return ANSWER;
  return refused(
    'STEP_OUT_OF_ORDER',
    `${STEP_NAMES[step]}: its time is over, and it did not complete on this node.`,
  );
}
