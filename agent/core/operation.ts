import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Inode } from '@lockstep/shared/generated/lockstep/v1/common.ts';

/** What the ledger says of an operation. `open` and `committed` are unended: one of them per agent. */
export type OperationPhase = 'open' | 'committed' | 'undone' | 'closed';

/** A step that an agent can be told: every value of the contract but the unspecified one. */
export type RunnableStep = Exclude<Step, typeof Step.STEP_UNSPECIFIED>;

export const STEP_NAMES = {
  [Step.STEP_STAGE]: 'STEP_STAGE',
  [Step.STEP_BUILD]: 'STEP_BUILD',
  [Step.STEP_SAFEGUARD]: 'STEP_SAFEGUARD',
  [Step.STEP_REINSPECT]: 'STEP_REINSPECT',
  [Step.STEP_FENCE_API]: 'STEP_FENCE_API',
  [Step.STEP_FENCE_ETCD]: 'STEP_FENCE_ETCD',
  [Step.STEP_SWAP]: 'STEP_SWAP',
  [Step.STEP_START_KUBELET]: 'STEP_START_KUBELET',
  [Step.STEP_START_ETCD]: 'STEP_START_ETCD',
  [Step.STEP_PREPARE_GATE]: 'STEP_PREPARE_GATE',
  [Step.STEP_START_API]: 'STEP_START_API',
  [Step.STEP_START_CONTROLLERS]: 'STEP_START_CONTROLLERS',
  [Step.STEP_CLOSE]: 'STEP_CLOSE',
  [Step.STEP_UNDO_STOP]: 'STEP_UNDO_STOP',
  [Step.STEP_UNDO_START]: 'STEP_UNDO_START',
  [Step.STEP_UNDO_VERIFY]: 'STEP_UNDO_VERIFY',
  [Step.STEP_SET_ASIDE]: 'STEP_SET_ASIDE',
  [Step.STEP_REJOIN_ADMIT]: 'STEP_REJOIN_ADMIT',
  [Step.STEP_REJOIN_EMPTY]: 'STEP_REJOIN_EMPTY',
  [Step.STEP_REJOIN_START]: 'STEP_REJOIN_START',
  [Step.STEP_REJOIN_PROMOTE]: 'STEP_REJOIN_PROMOTE',
  [Step.STEP_REJOIN_SERVE]: 'STEP_REJOIN_SERVE',
  [Step.STEP_REJOIN_BACK]: 'STEP_REJOIN_BACK',
} as const satisfies Record<RunnableStep, string>;

export type StepName = (typeof STEP_NAMES)[RunnableStep];

export function isRunnable(step: number): step is RunnableStep {
  return Object.hasOwn(STEP_NAMES, step);
}

/** Inodes of the two stores' exchanged directories, recorded before the first exchange. */
export interface SwapRecord {
  readonly old: Inode;
  readonly new: Inode;
}

/** An operation as its ledger rows add up. */
export interface OperationView {
  readonly operationId: string;
  readonly planSha256: string;
  readonly phase: OperationPhase;
  /** Steps whose intent was recorded, whether or not they completed. */
  readonly intended: ReadonlySet<RunnableStep>;
  readonly completed: ReadonlySet<RunnableStep>;
}

const UNDO_STEPS = [
  Step.STEP_UNDO_STOP,
  Step.STEP_UNDO_START,
  Step.STEP_UNDO_VERIFY,
  Step.STEP_REJOIN_BACK,
] as const;

export function isUndo(step: RunnableStep): boolean {
  return (UNDO_STEPS as readonly Step[]).includes(step);
}

/** From the first undo step on, this agent goes back and never commits. */
export function isUndoing(view: OperationView): boolean {
  return UNDO_STEPS.some((step) => view.intended.has(step));
}

export function isEnded(phase: OperationPhase): boolean {
  return phase === 'undone' || phase === 'closed';
}
