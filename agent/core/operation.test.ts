import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { expect, it } from 'vitest';
import { isEnded, isRunnable, isUndo, isUndoing, type RunnableStep, STEP_NAMES } from './operation.ts';

it.each([
  ['open', false],
  ['committed', false],
  ['undone', true],
  ['closed', true],
] as const)('an operation that is %s has ended: %s', (phase, ended) => {
  expect(isEnded(phase)).toBe(ended);
});

it.each([Step.STEP_UNDO_STOP, Step.STEP_UNDO_START, Step.STEP_UNDO_VERIFY, Step.STEP_REJOIN_BACK] as const)(
  'step %i is of undo, and its intent alone begins one',
  (step) => {
    const intended = new Set<RunnableStep>([step]);
    const view = {
      operationId: 'r',
      planSha256: 'p',
      phase: 'open',
      completed: new Set<RunnableStep>(),
    } as const;
    expect(isUndo(step)).toBe(true);
    expect(isUndoing({ ...view, intended })).toBe(true);
    expect(isUndoing({ ...view, intended: new Set([Step.STEP_SWAP]) })).toBe(false);
  },
);

it('runs the steps of the contract and no others', () => {
  expect(Object.keys(STEP_NAMES).map(Number).every(isRunnable)).toBe(true);
  expect([Step.STEP_UNSPECIFIED, 999].some(isRunnable)).toBe(false);
});
