import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Approval, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { judgeApproval } from './approval.ts';
import { isUnended } from './recovery.ts';
import { isSetAside } from './set-aside.ts';

/** A plan as it was answered, and what has been said of it since. */
interface PlannedStart {
  readonly planSha256: string;
  readonly refusals: readonly Refusal[];
  readonly approval: Approval | undefined;
}

/** What one agent said of its ledger, right before a start. */
export interface SurveyAnswer {
  readonly node: string;
  readonly ledger: ReadLedgerResponse | undefined;
  readonly failure: Failure | undefined;
}

/** Why a plan may not be run, whatever the agents say; empty where it may. */
export function judgeStart(
  plan: RestorePlan,
  { planSha256, refusals, approval }: PlannedStart,
  confirmedCluster: string,
  nowMs: number,
): Refusal[] {
  if (confirmedCluster !== plan.cluster) {
    const words = `"${confirmedCluster}" was confirmed; the plan is of cluster ${plan.cluster}`;
    return [refusal('CONFIRMATION_MISMATCH', words)];
  }
  if (refusals.length > 0) return [...refusals];
  if (nowMs > Number(plan.expiresMs)) {
    return [refusal('PLAN_EXPIRED', `the plan expired at ${new Date(Number(plan.expiresMs)).toISOString()}`)];
  }
  return judgeApproval(plan, planSha256, approval);
}

/**
 * Every agent that takes part must answer and hold nothing open; of those left out none may answer,
 * unless it was set aside before.
 */
export function judgeSurvey(plan: RestorePlan, answers: readonly SurveyAnswer[]): Refusal[] {
  const leftOut = new Set(plan.leftOut.map(({ node }) => node));
  const refusals = answers.flatMap(({ node, ledger, failure }): Refusal[] => {
    if (leftOut.has(node)) {
      if (ledger === undefined || isSetAside(ledger)) return [];
      return [refusal('LEFT_OUT_ALIVE', `the agent of ${node} answers again`, node)];
    }
    if (ledger === undefined) {
      return [refusal('NODE_MISSING', `${node} did not answer: ${failure?.message ?? ''}`, node)];
    }
    if (!isUnended(ledger)) return [];
    return [refusal('OPERATION_IN_PROGRESS', `operation ${ledger.operationId} is open on ${node}`, node)];
  });
  const unknown = plan.nodes.filter(({ node }) => !answers.some((each) => each.node === node));
  return [
    ...refusals,
    ...unknown.map(({ node }) =>
      refusal('NODE_MISSING', `${node} is in the plan and not known any more`, node),
    ),
  ];
}

/** Above whatever any agent that answered has promised. */
export function nextEpochNumber(answers: readonly SurveyAnswer[]): bigint {
  const promises = answers.map(({ ledger }) => ledger?.promised?.number ?? 0n);
  return promises.reduce((a, b) => (a > b ? a : b), 0n) + 1n;
}
