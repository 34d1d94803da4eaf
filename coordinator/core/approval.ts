import { isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RefusalClass } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  Approval,
  ApprovalNeed,
  LeftOut,
  Override,
  RestorePlan,
} from '@lockstep/shared/generated/lockstep/v1/plan.ts';

/** What a second person must answer for before a plan may be run. */
export function approvalNeeds(leftOut: readonly LeftOut[], overrides: readonly Override[]): ApprovalNeed[] {
  const destroyed = leftOut.filter((each) => each.destroyed).map(({ node }) => node);
  const gone =
    destroyed.length === 0
      ? []
      : [{ code: 'DESTROYED', message: `${destroyed.join(', ')}: gone for good, never to serve OLD again` }];
  const overridden = overrides.flatMap(({ code, reason }) =>
    isErrorCode(code) && refusal(code, '').class === RefusalClass.REFUSAL_CLASS_SECOND_PERSON
      ? [{ code, message: reason }]
      : [],
  );
  return [...gone, ...overridden];
}

/** Why this approval does not let the plan run; empty where it does, or none is needed. */
export function judgeApproval(
  plan: RestorePlan,
  planSha256: string,
  approval: Approval | undefined,
): Refusal[] {
  if (plan.approvalNeeds.length === 0) return [];
  const needed = plan.approvalNeeds.map(({ code, message }) => `${code} (${message})`).join('; ');
  if (approval === undefined || approval.planSha256 !== planSha256) {
    return [refusal('APPROVAL_MISSING', `${plan.operationId} needs a second person for ${needed}`)];
  }
  return judgeApprover(plan, approval.approvedBy);
}

export function judgeApprover({ operationId, requestedBy }: RestorePlan, approvedBy: string): Refusal[] {
  if (approvedBy !== '' && approvedBy !== requestedBy) return [];
  return [refusal('APPROVAL_BY_PLANNER', `${operationId} was planned by ${requestedBy}`)];
}
