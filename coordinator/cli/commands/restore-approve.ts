import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { Approval } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Answer } from '../answer.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { command } from '../render/plan.ts';
import { refusals as renderRefusals } from '../render/refusals.ts';
import { instant } from '../render/units.ts';
import { personWord } from '../render/words.ts';
import { refusalView } from '../views/refusals.ts';
import { fetchPlan, planAnswer, type ShownPlan } from './restore-plan.ts';
import { askForConfirmation, showPlan, unconfirmed } from './restore-run.ts';

export interface ApproveOptions {
  readonly confirm?: string;
  readonly reason?: string;
}

/** Shows a plan of somebody else's, has it confirmed, and approves exactly that one. */
export async function approvePlan(
  invocation: Invocation,
  operationId: string,
  options: ApproveOptions,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const shown = await fetchPlan(coordinator, operationId);
    const { plan, planSha256 } = shown;
    invocation.operationId = plan.operationId;
    // Nobody approves what they have not been shown.
    await showPlan(invocation, planAnswer(invocation, shown));
    const confirmed = options.confirm ?? (await askForConfirmation(invocation, shown));
    if (confirmed === undefined) return unconfirmed(shown);
    if (confirmed !== plan.cluster) {
      const words = `"${confirmed}" was confirmed; the plan is of cluster ${plan.cluster}`;
      return refused(shown, [refusal('CONFIRMATION_MISMATCH', words)]);
    }
    const { refusals, approval } = await coordinator.call(OperatorServiceService.approvePlan, {
      operationId: plan.operationId,
      planSha256,
      reason: options.reason ?? '',
    });
    return approval === undefined ? refused(shown, refusals) : approved(shown, approval);
  });
}

function approved({ plan, planSha256 }: ShownPlan, approval: Approval): Answer {
  return {
    data: { planSha256, approval: Approval.toJSON(approval) },
    names: [plan.operationId],
    operationId: plan.operationId,
    outcome: 'approved',
    render: (layout) => [
      `Approved by ${personWord(approval.approvedBy)} at ${instant(approval.approvedMs)}. To run it, type`,
      ...command(layout, `lockstep restore run --plan ${plan.operationId} --confirm ${plan.cluster}`),
    ],
  };
}

function refused({ plan }: ShownPlan, refusals: readonly Refusal[]): Answer {
  const [first] = refusals;
  return {
    data: { refusals: refusals.map(refusalView) },
    names: [plan.operationId],
    operationId: plan.operationId,
    ...(first === undefined ? {} : { code: first.code }),
    exit: EXIT.refused,
    render: (layout) => ['Nothing was approved.', ...renderRefusals(layout, 'Refused', refusals, 'red')],
  };
}
