import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Answer } from '../answer.ts';
import { WAIT_MS } from '../coordinator.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { type PlanOptions, planRequest, shown } from './restore-plan.ts';
import { type FollowOptions, runShown } from './restore-run.ts';

export type RevertOptions = PlanOptions & FollowOptions;

/** Plans the way back to what a restore keeps, shows it, has it confirmed, and runs it. */
export async function revert(
  invocation: Invocation,
  operationId: string,
  options: RevertOptions,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const answered = await coordinator.call(
      OperatorServiceService.planRevert,
      { operationId, ...planRequest(options) },
      WAIT_MS.snapshot,
    );
    const { plan, planSha256, refusals, warnings } = answered;
    return await runShown(invocation, coordinator, shown(plan, planSha256, refusals, warnings), {
      ...options,
      isShown: false,
    });
  });
}
