import { OperationState as LedgerState } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { PlanKind } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { hasMember } from '@lockstep/shared/plan/part.ts';
import type { NodeState, OperationState } from './state.ts';

/** What is true on a node once the operation has ended, in a sentence for a person. */
export function truthOf(state: OperationState, node: NodeState): string {
  const { stage } = state;
  if (stage.kind !== 'ended') return '';
  const fenced = state.fencedMs !== undefined;
  const because = node.failure === undefined ? '' : ` Last: ${node.failure.code}: ${node.failure.message}`;
  if (state.plan.kind === PlanKind.PLAN_KIND_REJOIN) return truthOfRejoin(state, node, because);
  const planned = state.plan.nodes.find((each) => each.node === node.node);
  const isMember = planned === undefined || hasMember(planned);
  if (node.closed)
    return isMember ? 'NEW serves; OLD is kept.' : 'Its API server serves NEW; it has no store.';
  if (node.undone) {
    if (!fenced) return 'OLD serves; it was never touched.';
    return isMember
      ? 'OLD is back and serves; NEW was not kept in place.'
      : 'Its API server serves OLD again; it has no store.';
  }
  if (node.committed) return `NEW is committed and in place; not everything is up.${because}`;
  if (!fenced && stage.failure?.code === 'UNDO_WITHOUT_QUORUM') {
    // What it said itself is as old as the patience that is over.
    return `Not known: nobody who took part was heard, and another coordinator may have gone on.${because}`;
  }
  if (node.promised === false) return 'OLD serves; this node never took part.';
  switch (stage.outcome) {
    case Outcome.OUTCOME_ROLLED_BACK:
    case Outcome.OUTCOME_REFUSED:
      return fenced
        ? 'Did not answer; its agent goes back to OLD when it is reached again.'
        : 'Did not answer; OLD serves untouched, and what was staged is deleted when it is reached again.';
    default:
      break;
  }
  if (node.promised === undefined && state.settleRounds > 0) {
    return `Not known: it did not answer the coordinator that took the operation over.${because}`;
  }
  if (node.phase < Phase.PHASE_FENCE) return `OLD is in place, untouched.${because}`;
  return `Not known: it stood in ${node.words === '' ? 'the operation' : node.words} when the operation ended.${because}`;
}

function truthOfRejoin(
  { plan }: OperationState,
  { node, closed, undone }: NodeState,
  because: string,
): string {
  const isJoining = node === plan.rejoins?.node;
  if (closed) return isJoining ? 'It is a member and serves; OLD is kept.' : 'It serves, as it did before.';
  if (undone) return isJoining ? 'Set aside as before; OLD is in its place.' : 'It serves, as it did before.';
  return isJoining ? `Between set aside and a member.${because}` : `It serves.${because}`;
}

/** The same for a node of an operation that only its ledger remembers. */
export function truthOfLedger(state: LedgerState): string {
  switch (state) {
    case LedgerState.OPERATION_STATE_CLOSED:
      return 'NEW serves; OLD is kept.';
    case LedgerState.OPERATION_STATE_UNDONE:
      return 'OLD is back.';
    case LedgerState.OPERATION_STATE_COMMITTED:
      return 'NEW is committed and in place.';
    case LedgerState.OPERATION_STATE_OPEN:
      return 'The operation is open on this node.';
    default:
      return 'This node knows nothing of the operation.';
  }
}
