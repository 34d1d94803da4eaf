import { Approval, LeftOut, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { approvalNeeds, judgeApproval } from './approval.ts';

const plan = RestorePlan.fromPartial({
  operationId: 'r-1',
  requestedBy: 'lockstep://lab/operator/alice',
  approvalNeeds: [{ code: 'DESTROYED', message: 'cp3' }],
});
const by = (approvedBy: string, planSha256 = 'digest'): Approval =>
  Approval.fromPartial({ approvedBy, planSha256 });
const codes = (...args: Parameters<typeof judgeApproval>): string[] =>
  judgeApproval(...args).map(({ code }) => code);

describe('an approval', () => {
  it('is not asked for where nothing needs one', () => {
    expect(codes({ ...plan, approvalNeeds: [] }, 'digest', undefined)).toEqual([]);
  });

  it('is of another person than the planner, and of exactly this plan', () => {
    expect(codes(plan, 'digest', by('lockstep://lab/operator/bob'))).toEqual([]);
    expect(codes(plan, 'digest', undefined)).toEqual(['APPROVAL_MISSING']);
    expect(codes(plan, 'digest', by('lockstep://lab/operator/bob', 'another'))).toEqual(['APPROVAL_MISSING']);
    expect(codes(plan, 'digest', by('lockstep://lab/operator/alice'))).toEqual(['APPROVAL_BY_PLANNER']);
    expect(codes(plan, 'digest', by(''))).toEqual(['APPROVAL_BY_PLANNER']);
  });
});

describe('what a second person answers for', () => {
  it('is what is gone for good, and what one person may not override alone', () => {
    const leftOut = [
      LeftOut.fromPartial({ node: 'cp3', destroyed: true }),
      LeftOut.fromPartial({ node: 'cp2' }),
    ];
    const overrides = [
      { code: 'DESTROYED', reason: 'the site burnt down' },
      { code: 'BUMP_UNAVAILABLE', reason: 'clients will be restarted' },
      { code: 'OF_TOMORROW', reason: 'who knows' },
    ];
    expect(approvalNeeds(leftOut, overrides)).toEqual([
      { code: 'DESTROYED', message: expect.stringContaining('cp3') },
      { code: 'DESTROYED', message: 'the site burnt down' },
    ]);
    expect(
      approvalNeeds(leftOut, [])
        .map(({ message }) => message)
        .join(),
    ).not.toContain('cp2');
    expect(approvalNeeds([], [])).toEqual([]);
  });
});
