import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failures.ts';
import { newOperation, type OperationState, takenOverOperation } from './state.ts';
import { modelPlan } from './testing/driver.ts';
import { truthOf } from './truth.ts';

const plan = modelPlan();
const epoch = { number: 1n, coordinatorId: 'c1' };

/** What is said of cp1 once the operation has ended in a person's hands. */
function said(operation: OperationState, change: object = {}, code?: ErrorCode): string {
  const node = operation.nodes.get('cp1');
  if (node === undefined) throw new Error('no cp1');
  const failure = code === undefined ? undefined : failureOf(code, '');
  const stage = { kind: 'ended', outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure } as const;
  return truthOf({ ...operation, stage }, { ...node, ...change });
}

describe('of a node that never answered', () => {
  it('whoever took the operation over knows nothing', () => {
    expect(said(takenOverOperation(plan, epoch, 0))).toMatch(/^Not known: it did not answer/);
  });

  it('whoever began it knows that it asked for nothing more than a promise', () => {
    const unsure = { promised: undefined, phase: Phase.PHASE_PROMISE };
    expect(said(newOperation(plan, epoch, 0), unsure)).toBe('OLD is in place, untouched.');
    expect(said(newOperation(plan, epoch, 0))).toBe('OLD serves; this node never took part.');
  });

  it('whoever heard nobody that took part knows of none, not of one that refused either', () => {
    const begun = newOperation(plan, epoch, 0);
    const unheard = (operation: OperationState, change: object): string =>
      said(operation, change, 'UNDO_WITHOUT_QUORUM');
    for (const promised of [false, undefined, true]) {
      expect(unheard(begun, { promised })).toMatch(/^Not known: nobody who took part was heard/);
    }
    expect(unheard(begun, { undone: true })).toBe('OLD serves; it was never touched.');
    const fenced = { ...begun, fencedMs: 1 };
    expect(unheard(fenced, { promised: false })).toBe('OLD serves; this node never took part.');
  });
});
