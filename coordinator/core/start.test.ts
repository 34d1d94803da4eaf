import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperationState, ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failures.ts';
import { judgeStart, judgeSurvey, nextEpochNumber, type SurveyAnswer } from './start.ts';
import { modelPlan } from './testing/driver.ts';

const { OPERATION_STATE_OPEN: OPEN, OPERATION_STATE_CLOSED: CLOSED } = OperationState;
const EXPIRES_MS = 1_000;
const PLAN = RestorePlan.fromPartial({ ...modelPlan(), expiresMs: BigInt(EXPIRES_MS) });
const UNREFUSED = { planSha256: 'digest', refusals: [], approval: undefined };
const codes = (refusals: readonly { code: string }[]): string[] => refusals.map(({ code }) => code);

function ledger(node: string, changed: Partial<ReadLedgerResponse> = {}): SurveyAnswer {
  return { node, ledger: { ...ReadLedgerResponse.fromPartial({ node }), ...changed }, failure: undefined };
}

function silent(node: string): SurveyAnswer {
  return { node, ledger: undefined, failure: failureOf('UNREACHABLE', 'no route', node) };
}

describe('a start', () => {
  it('is let through to the millisecond at which the plan expires', () => {
    expect(judgeStart(PLAN, UNREFUSED, PLAN.cluster, EXPIRES_MS)).toEqual([]);
    expect(codes(judgeStart(PLAN, UNREFUSED, PLAN.cluster, EXPIRES_MS + 1))).toEqual(['PLAN_EXPIRED']);
  });

  it('is refused for another cluster first, then for what the plan was, then for its age', () => {
    const refusals = [refusal('NODE_MISSING', 'cp9', 'cp9')];
    const late = { ...UNREFUSED, refusals };
    expect(codes(judgeStart(PLAN, late, PLAN.cluster, EXPIRES_MS + 1))).toEqual(['NODE_MISSING']);
    const [refused] = judgeStart(PLAN, late, 'production', EXPIRES_MS + 1);
    expect(refused).toMatchObject({ code: 'CONFIRMATION_MISMATCH' });
    expect(refused?.message).toContain(`"production" was confirmed; the plan is of cluster ${PLAN.cluster}`);
  });

  it('needs the second person whom the plan names', () => {
    const needs = RestorePlan.fromPartial({
      ...PLAN,
      requestedBy: 'ada',
      approvalNeeds: [{ code: 'DESTROYED', message: 'cp3' }],
    });
    expect(codes(judgeStart(needs, UNREFUSED, PLAN.cluster, 0))).toEqual(['APPROVAL_MISSING']);
    const approval = { approvedBy: 'eve', approvedMs: 0n, planSha256: 'digest', reason: '' };
    expect(judgeStart(needs, { ...UNREFUSED, approval }, PLAN.cluster, 0)).toEqual([]);
  });
});

describe('the survey before a start', () => {
  const all = PLAN.nodes.map(({ node }) => ledger(node));

  it('is passed where all answer and hold nothing open', () => {
    expect(judgeSurvey(PLAN, all)).toEqual([]);
    const closed = all.map(({ node }) => ledger(node, { operationId: 'r-0', state: CLOSED }));
    expect(judgeSurvey(PLAN, closed)).toEqual([]);
  });

  it('names who does not answer, who holds something open and who is not known any more', () => {
    const [, second, third] = all as [SurveyAnswer, SurveyAnswer, SurveyAnswer];
    expect(judgeSurvey(PLAN, [silent('cp1'), second, third])).toMatchObject([
      { code: 'NODE_MISSING', node: 'cp1', message: 'cp1 did not answer: no route' },
    ]);
    const open = ledger('cp1', { operationId: 'r-0', state: OPEN });
    expect(judgeSurvey(PLAN, [open, second, third])).toMatchObject([
      { code: 'OPERATION_IN_PROGRESS', node: 'cp1' },
    ]);
    expect(judgeSurvey(PLAN, [second, third])).toMatchObject([{ code: 'NODE_MISSING', node: 'cp1' }]);
  });

  it('wants no answer from who is left out, unless it was set aside before', () => {
    const without = RestorePlan.fromPartial({ ...PLAN, leftOut: [{ node: 'cp9' }] });
    expect(judgeSurvey(without, [...all, silent('cp9')])).toEqual([]);
    expect(codes(judgeSurvey(without, [...all, ledger('cp9')]))).toEqual(['LEFT_OUT_ALIVE']);
    const plan = Buffer.from(
      RestorePlan.encode(RestorePlan.fromPartial({ kind: PlanKind.PLAN_KIND_SET_ASIDE })).finish(),
    );
    const aside = ledger('cp9', { operationId: 'a-1', state: CLOSED, plan });
    expect(judgeSurvey(without, [...all, aside])).toEqual([]);
  });

  it('begins above every promise, and at one where there is none', () => {
    const promised = (node: string, number: bigint): SurveyAnswer =>
      ledger(node, { promised: { number, coordinatorId: 'c1' } });
    expect(nextEpochNumber([promised('cp1', 4n), promised('cp2', 41n), promised('cp3', 7n)])).toBe(42n);
    expect(nextEpochNumber([silent('cp1'), ...all])).toBe(1n);
  });
});
