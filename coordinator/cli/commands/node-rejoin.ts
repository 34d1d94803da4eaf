import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Answer } from '../answer.ts';
import { WAIT_MS } from '../coordinator.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { shown } from './restore-plan.ts';
import { type FollowOptions, runShown } from './restore-run.ts';

export interface RejoinOptions extends FollowOptions {
  readonly reason?: string;
}

/** Plans how a node that was set aside comes back, shows it, has it confirmed, and runs it. */
export async function rejoinNode(
  invocation: Invocation,
  node: string,
  options: RejoinOptions,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { plan, planSha256, refusals, warnings } = await coordinator.call(
      OperatorServiceService.planRejoin,
      { node, reason: options.reason ?? '' },
      WAIT_MS.nodes,
    );
    return await runShown(invocation, coordinator, shown(plan, planSha256, refusals, warnings), {
      ...options,
      isShown: false,
    });
  });
}
