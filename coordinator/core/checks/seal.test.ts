import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { RefusalClass } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { SEAL_CODES } from '@lockstep/shared/seal/judge.ts';
import { describe, expect, it } from 'vitest';
import { judgeApproval } from '../approval.ts';
import { planned, type Scene } from '../testing/plan-scene.ts';

const CODES = ['CARD_UNSEALED', 'CARD_SEAL_INVALID', 'SIGNER_UNTRUSTED', 'SIGNER_REVOKED'] as const;
type SealCode = (typeof CODES)[number];

const distrusted = (code: SealCode, overrides: Scene['input']['overrides'] = []) =>
  planned((s) => {
    s.distrust = [refusal(code, 'the reason')];
    s.input = { overrides };
  });

describe('a card that is not trusted', () => {
  it('has every code that a judge can say', () => {
    expect(new Set(CODES)).toEqual(SEAL_CODES);
  });

  it.each(CODES)('refuses the plan: %s, which takes a second person', (code) => {
    const { refusals, plan } = distrusted(code);
    expect(refusals).toMatchObject([{ code, class: RefusalClass.REFUSAL_CLASS_SECOND_PERSON }]);
    expect(plan.approvalNeeds).toEqual([]);
    // A reason that says nothing is none; so is one for something else.
    expect(distrusted(code, [{ code, reason: ' ' }]).refusals).toHaveLength(1);
    expect(distrusted(code, [{ code: 'CLOCK_SKEW', reason: 'I know' }]).refusals).toHaveLength(1);
  });

  it.each(CODES)('is planned over %s with a reason, and run with another’s approval only', (code) => {
    const { refusals, warnings, plan } = distrusted(code, [{ code, reason: 'I took it myself' }]);
    expect(refusals).toEqual([]);
    expect(warnings).toMatchObject([{ code }]);
    expect(plan.overrides).toEqual([{ code, reason: 'I took it myself' }]);
    expect(plan.approvalNeeds).toEqual([{ code, message: 'I took it myself' }]);

    const approvedBy = (name: string, planSha256 = 'sha') => ({
      approvedBy: name,
      approvedMs: 1n,
      planSha256,
      reason: '',
    });
    const judged = (approval?: ReturnType<typeof approvedBy>): string[] =>
      judgeApproval(plan, 'sha', approval).map((each) => each.code);
    expect(judged()).toEqual(['APPROVAL_MISSING']);
    expect(judged(approvedBy(plan.requestedBy))).toEqual(['APPROVAL_BY_PLANNER']);
    expect(judged(approvedBy('lockstep://lab/operator/mallory', 'of another plan'))).toEqual([
      'APPROVAL_MISSING',
    ]);
    expect(judged(approvedBy('lockstep://lab/operator/bob'))).toEqual([]);
  });

  it('is carried in the plan as it was sealed, for the nodes to judge', () => {
    expect(planned().plan.sealedSnapshot).toEqual({ cardJson: '{}', seals: [] });
  });

  it('never excuses other bytes', () => {
    const { refusals } = planned((s) => {
      s.facts.fileSha256 = 'another';
      s.input = { overrides: [{ code: 'SNAPSHOT_CARD_MISMATCH', reason: 'I know' }] };
    });
    expect(refusals).toMatchObject([
      { code: 'SNAPSHOT_CARD_MISMATCH', class: RefusalClass.REFUSAL_CLASS_NEVER },
    ]);
  });
});
