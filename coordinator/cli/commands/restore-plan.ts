import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import {
  OperatorServiceService,
  type PlanRestoreRequest,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import {
  Approval,
  type Override,
  PlanKind,
  RestorePlan,
} from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Answer } from '../answer.ts';
import { type Coordinator, WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { planPage } from '../render/plan.ts';
import { rejoinPage } from '../render/rejoin.ts';
import { refusalView } from '../views/refusals.ts';

export interface PlanOptions {
  readonly reason?: string;
  readonly maxOutage?: number;
  readonly override: readonly Override[];
  readonly without: readonly string[];
  readonly destroyed: readonly string[];
  readonly into?: string;
}

/** A plan as it is shown and then run, byte for byte. */
export interface ShownPlan {
  readonly plan: RestorePlan;
  readonly planSha256: string;
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly Refusal[];
  readonly approval: Approval | undefined;
}

export async function planRestore(
  invocation: Invocation,
  snapshotId: string,
  options: PlanOptions,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) =>
    planAnswer(invocation, await makePlan(coordinator, snapshotId, options)),
  );
}

export async function makePlan(
  coordinator: Coordinator,
  snapshotId: string,
  options: PlanOptions,
): Promise<ShownPlan> {
  const answered = await coordinator.call(
    OperatorServiceService.planRestore,
    { snapshotId, ...planRequest(options) },
    WAIT_MS.plan,
  );
  return shown(answered.plan, answered.planSha256, answered.refusals, answered.warnings);
}

export function planRequest(options: PlanOptions): Omit<PlanRestoreRequest, 'snapshotId'> {
  return {
    reason: options.reason ?? '',
    maxOutageMs: BigInt(options.maxOutage ?? 0),
    overrides: [...options.override],
    without: [...options.without],
    destroyed: [...options.destroyed],
    into: options.into ?? '',
  };
}

/** A plan that was made before. Throws PLAN_NOT_FOUND. */
export async function fetchPlan(coordinator: Coordinator, operationId: string): Promise<ShownPlan> {
  const { plan, planSha256, refusals, warnings, approval } = await coordinator.call(
    OperatorServiceService.getOperation,
    {
      operationId,
    },
  );
  if (plan === undefined) {
    throw new LockstepError('PLAN_NOT_FOUND', { message: `This coordinator has no plan ${operationId}.` });
  }
  const digest = planSha256 || sha256Hex(RestorePlan.encode(plan).finish());
  return { ...shown(plan, digest, refusals, warnings), approval };
}

/** Where so much is refused that there is no plan, its page shows what there is. */
export function shown(
  plan: RestorePlan | undefined,
  planSha256: string,
  refusals: readonly Refusal[],
  warnings: readonly Refusal[],
): ShownPlan {
  return { plan: plan ?? RestorePlan.create({}), planSha256, refusals, warnings, approval: undefined };
}

export function planAnswer({ terminal }: Invocation, page: ShownPlan): Answer {
  const { plan, planSha256, refusals, warnings, approval } = page;
  const refused = refusals[0];
  return {
    data: {
      planSha256,
      refusals: refusals.map(refusalView),
      warnings: warnings.map(refusalView),
      ...(approval === undefined ? {} : { approval: Approval.toJSON(approval) }),
      plan: withoutSamples(plan),
    },
    names: plan.operationId === '' ? [] : [plan.operationId],
    operationId: plan.operationId,
    ...(refused === undefined ? { outcome: 'planned' } : { exit: EXIT.refused, code: refused.code }),
    render: (layout) => {
      const shownPage = { plan, refusals, warnings, approval, nowMs: terminal.nowMs() };
      return plan.kind === PlanKind.PLAN_KIND_REJOIN
        ? rejoinPage(layout, shownPage)
        : planPage(layout, shownPage);
    },
  };
}

/** Sample values are there for the agents to open, not for a screen or a file. */
function withoutSamples(plan: RestorePlan): RestorePlan {
  const { snapshot } = plan;
  if (snapshot?.facts === undefined) return plan;
  const encryption = snapshot.facts.encryption.map((use) => ({ ...use, sampleValue: Buffer.alloc(0) }));
  return { ...plan, snapshot: { ...snapshot, facts: { ...snapshot.facts, encryption } } };
}
