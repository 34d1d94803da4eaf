import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { epochText, isGreater, isSame } from './epoch.ts';
import { isEnded, isUndoing, type OperationView, STEP_NAMES } from './operation.ts';
import { lastBeforeCommit, type Takes } from './steps.ts';
import { type Refused, refused } from './verdict.ts';

/** What the ledger's integers hold. */
const MAX_EPOCH_NUMBER = 2n ** 63n - 1n;

/** What the fence looks at; all of it from the ledger but the effect in flight. */
export interface FenceState {
  readonly ledgerId: string;
  readonly promised: Epoch | undefined;
  readonly effectInFlight: boolean;
  /** The unended operation, of which there is at most one. */
  readonly open: OperationView | undefined;
}

/** The part of a promised plan that the fence judges. */
export interface OfferedPlan {
  readonly sha256: string;
  /** The operation that the plan itself names. */
  readonly operationId: string;
  readonly cluster: string;
  /** The ledger that the plan names for this node; undefined where the plan has no such node. */
  readonly ledgerId: string | undefined;
}

export interface PromiseOffer {
  readonly epoch: Epoch;
  readonly operationId: string;
  readonly ledgerId: string;
  /** Undefined: takeover of an operation that this agent holds. */
  readonly plan: OfferedPlan | undefined;
}

export type PromiseVerdict =
  | Refused
  /** Already promised exactly so: the answer was lost, nothing is to be recorded. */
  | { readonly kind: 'repeat' }
  /** Record the epoch; `openPlan`: record the plan and open the operation. */
  | { readonly kind: 'promise'; readonly openPlan: boolean };

/**
 * Whether to promise an epoch. `held` is the ledger's view of the offered operation, if any.
 *
 * Invariants: promised numbers strictly rise; never while an effect is in flight; a promise never
 * opens an operation over an unended one; a plan, once held, never changes.
 */
export function judgePromise(
  state: FenceState,
  cluster: string,
  held: OperationView | undefined,
  offer: PromiseOffer,
): PromiseVerdict {
  if (offer.ledgerId !== state.ledgerId) {
    return refused(
      'LEDGER_STRANGER',
      `The promise names ledger ${offer.ledgerId}; this agent's is ${state.ledgerId}.`,
    );
  }
  if (offer.epoch.number <= 0n || offer.epoch.number > MAX_EPOCH_NUMBER || offer.epoch.coordinatorId === '') {
    return refused('EPOCH_STALE', 'An epoch needs a number from 1 to 2^63 - 1, and a coordinator.');
  }
  const repeat = state.promised !== undefined && isSame(offer.epoch, state.promised);
  if (state.promised !== undefined && !repeat && !isGreater(offer.epoch, state.promised)) {
    return refused(
      'EPOCH_STALE',
      `Offered ${epochText(offer.epoch)}; promised is ${epochText(state.promised)}, and only a greater number follows it.`,
    );
  }
  if (state.effectInFlight) {
    return refused('EFFECT_IN_FLIGHT', 'An effect is in flight on this node.');
  }
  if (state.open !== undefined && state.open.operationId !== offer.operationId) {
    return refused('OPERATION_IN_PROGRESS', `Operation ${state.open.operationId} is open on this node.`);
  }
  const plan = offer.plan;
  if (plan === undefined) {
    if (held === undefined) {
      return refused('PLAN_UNKNOWN', `This agent holds no plan for operation ${offer.operationId}.`);
    }
    return repeat ? { kind: 'repeat' } : { kind: 'promise', openPlan: false };
  }
  if (plan.operationId !== offer.operationId) {
    return refused(
      'PLAN_UNKNOWN',
      `The plan is of operation ${plan.operationId}, the promise of ${offer.operationId}.`,
    );
  }
  if (plan.cluster !== cluster) {
    return refused(
      'CLUSTER_MISMATCH',
      `The plan is of cluster ${plan.cluster}; this agent belongs to ${cluster}.`,
    );
  }
  if (plan.ledgerId !== state.ledgerId) {
    return refused(
      'LEDGER_STRANGER',
      plan.ledgerId === undefined
        ? 'The plan has no part for this node.'
        : `The plan names ledger ${plan.ledgerId}; this agent's is ${state.ledgerId}.`,
    );
  }
  if (held !== undefined && held.planSha256 !== plan.sha256) {
    return refused(
      'PLAN_UNKNOWN',
      `This agent holds plan ${held.planSha256} for operation ${offer.operationId}; a plan never changes.`,
    );
  }
  // An epoch that was promised for one operation opens no second one.
  if (repeat && held === undefined) {
    return refused(
      'EPOCH_STALE',
      `Epoch ${epochText(offer.epoch)} was promised already, for another operation.`,
    );
  }
  return repeat ? { kind: 'repeat' } : { kind: 'promise', openPlan: held === undefined };
}

export interface Command {
  readonly epoch: Epoch;
  readonly operationId: string;
  readonly planSha256: string;
}

/**
 * Whether to obey: exactly the promised epoch, exactly the plan that is held. A ledger that holds
 * neither promise nor plan was lost or is new: nobody has promised more to anyone, and whoever is
 * told EPOCH_STALE would stand back for a coordinator that is not there.
 */
export function judgeCommand(
  state: FenceState,
  held: OperationView | undefined,
  command: Command,
): Refused | { readonly kind: 'obey'; readonly operation: OperationView } {
  if (state.promised === undefined && held === undefined) {
    return refused('PLAN_UNKNOWN', 'This agent has promised nothing, and holds no plan.');
  }
  if (state.promised === undefined || !isSame(command.epoch, state.promised)) {
    return refused(
      'EPOCH_STALE',
      `The command is of epoch ${epochText(command.epoch)}; promised is ${epochText(state.promised)}.`,
    );
  }
  if (
    held === undefined ||
    held.operationId !== command.operationId ||
    held.planSha256 !== command.planSha256
  ) {
    return refused(
      'PLAN_UNKNOWN',
      `This agent holds no plan ${command.planSha256} for operation ${command.operationId}.`,
    );
  }
  return { kind: 'obey', operation: held };
}

/** Whether this agent may commit: NEW was started here, as far as it runs here, and nobody began to undo. */
export function judgeCommit(
  operation: OperationView,
  takes: Takes = () => true,
): Refused | { readonly kind: 'commit' } | { readonly kind: 'repeat' } {
  switch (operation.phase) {
    case 'committed':
    case 'closed':
      return { kind: 'repeat' };
    case 'undone':
      return refused('ALREADY_UNDONE', 'The operation was undone on this node.');
    case 'open': {
      if (isUndoing(operation)) {
        return refused('ALREADY_UNDONE', 'Undo has begun on this node, so it never commits.');
      }
      const last = lastBeforeCommit(takes);
      if (last === undefined || !operation.completed.has(last)) {
        const name = last === undefined ? 'a step that this node has no part in' : STEP_NAMES[last];
        return refused('STEP_OUT_OF_ORDER', `Commit follows ${name}, which has not completed on this node.`);
      }
      return { kind: 'commit' };
    }
    default:
      return operation.phase satisfies never;
  }
}

/** The state that a fence sees of an operation as unended, or nothing. */
export function unended(operation: OperationView | undefined): OperationView | undefined {
  return operation === undefined || isEnded(operation.phase) ? undefined : operation;
}
