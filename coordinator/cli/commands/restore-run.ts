import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { type Answer, format, jsonOf } from '../answer.ts';
import { type Coordinator, WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { printable } from '../plain.ts';
import { command } from '../render/plan.ts';
import { refusals as renderRefusals } from '../render/refusals.ts';
import { refusalView } from '../views/refusals.ts';
import { watchOperation } from '../watch.ts';
import { fetchPlan, makePlan, type PlanOptions, planAnswer, type ShownPlan } from './restore-plan.ts';

export interface FollowOptions {
  readonly confirm?: string;
  readonly detach?: boolean;
  readonly retryFor: number;
}

export interface RunOptions extends PlanOptions, FollowOptions {
  /** An operation that was planned before; else a plan is made now. */
  readonly plan?: string;
}

/** Shows a plan, has it confirmed, starts it, and follows it to its end. */
export async function runRestore(
  invocation: Invocation,
  snapshotId: string | undefined,
  options: RunOptions,
): Promise<Answer> {
  if ((snapshotId === undefined) === (options.plan === undefined)) {
    throw new LockstepError('USAGE', { message: 'Name a snapshot, or a plan with --plan; one of the two.' });
  }
  return await withCoordinator(invocation, async (coordinator) => {
    const shown =
      options.plan === undefined
        ? await makePlan(coordinator, snapshotId as string, options)
        : await fetchPlan(coordinator, options.plan);
    return await runShown(invocation, coordinator, shown, {
      ...options,
      isShown: options.plan !== undefined,
    });
  });
}

/** A plan that is run by its name was shown when it was made; one made now is shown now. */
export async function runShown(
  invocation: Invocation,
  coordinator: Coordinator,
  shown: ShownPlan,
  options: FollowOptions & { readonly isShown: boolean },
): Promise<Answer> {
  const { plan, refusals, approval } = shown;
  invocation.operationId = plan.operationId;
  const answer = planAnswer(invocation, shown);
  if (refusals.length > 0) return answer;

  if (!options.isShown || options.confirm === undefined) await showPlan(invocation, answer);
  if (plan.approvalNeeds.length > 0 && approval === undefined && options.confirm === undefined) {
    return unapproved(shown);
  }
  const confirmed = options.confirm ?? (await askForConfirmation(invocation, shown));
  if (confirmed === undefined) return unconfirmed(shown);
  const refused = await start(coordinator, shown, confirmed);
  if (refused !== undefined) return refused;
  if (options.detach === true) return startedAnswer(shown);
  return await watchOperation(invocation, coordinator, plan.operationId, options.retryFor);
}

export async function showPlan({ terminal, output, layout }: Invocation, answer: Answer): Promise<void> {
  if (output === 'json') terminal.out(`${printable(JSON.stringify({ type: 'plan', ...jsonOf(answer) }))}\n`);
  else if (output === 'table' || output === 'wide') terminal.out(`${await format(answer, output, layout)}\n`);
}

export async function askForConfirmation(
  { terminal, output, signal }: Invocation,
  { plan }: ShownPlan,
): Promise<string | undefined> {
  if (output !== 'table' && output !== 'wide') return undefined;
  const typed = await terminal.ask(`To go on, type the name of the cluster (${plan.cluster}): `, signal);
  return typed === undefined || typed.trim() === '' ? undefined : typed.trim();
}

/** The call is not cut off by Ctrl-C: half-way, nobody would know whether the restore began. */
async function start(
  coordinator: Coordinator,
  { plan, planSha256 }: ShownPlan,
  confirmCluster: string,
): Promise<Answer | undefined> {
  const { operationId } = plan;
  const { refusals } = await coordinator.call(
    OperatorServiceService.runRestore,
    { operationId, planSha256, confirmCluster },
    WAIT_MS.nodes,
    new AbortController().signal,
  );
  const [first] = refusals;
  if (first === undefined) return undefined;
  return {
    data: { refusals: refusals.map(refusalView) },
    names: [operationId],
    operationId,
    code: first.code,
    exit: EXIT.refused,
    render: (layout) => ['Nothing was changed.', ...renderRefusals(layout, 'Refused', refusals, 'red')],
  };
}

/** Nobody is asked to confirm what could not be run. */
function unapproved({ plan }: ShownPlan): Answer {
  return {
    data: {},
    names: [plan.operationId],
    operationId: plan.operationId,
    code: 'APPROVAL_MISSING',
    exit: EXIT.refused,
    render: () => ['Nothing was changed: a second person must approve the plan first.'],
  };
}

export function unconfirmed({ plan }: ShownPlan): Answer {
  return {
    data: {},
    names: [plan.operationId],
    operationId: plan.operationId,
    code: 'CONFIRMATION_MISMATCH',
    exit: EXIT.refused,
    render: () => ['Nothing was changed: it was not confirmed.'],
  };
}

function startedAnswer({ plan }: ShownPlan): Answer {
  return {
    data: {},
    names: [plan.operationId],
    operationId: plan.operationId,
    exit: EXIT.stillRunning,
    render: (layout) => [
      'The restore has begun. Watch it with',
      ...command(layout, `lockstep restore watch ${plan.operationId}`),
    ],
  };
}
