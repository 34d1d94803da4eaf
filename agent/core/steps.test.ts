import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isUndo,
  type OperationPhase,
  type OperationView,
  type RunnableStep,
  STEP_NAMES,
} from './operation.ts';
import { judgeStep } from './steps.ts';

const FORWARD = [
  Step.STEP_STAGE,
  Step.STEP_BUILD,
  Step.STEP_SAFEGUARD,
  Step.STEP_REINSPECT,
  Step.STEP_FENCE_API,
  Step.STEP_FENCE_ETCD,
  Step.STEP_SWAP,
  Step.STEP_START_KUBELET,
  Step.STEP_START_ETCD,
  Step.STEP_PREPARE_GATE,
] as const;
const AFTER_COMMIT = [Step.STEP_START_API, Step.STEP_START_CONTROLLERS, Step.STEP_CLOSE] as const;
const UNDO = [Step.STEP_UNDO_STOP, Step.STEP_UNDO_START, Step.STEP_UNDO_VERIFY] as const;
const ALL = Object.keys(STEP_NAMES).map(Number) as RunnableStep[];

function after(phase: OperationPhase, ...steps: RunnableStep[]): OperationView {
  return {
    operationId: 'r',
    planSha256: 'p',
    phase,
    intended: new Set(steps),
    completed: new Set(steps),
  };
}

const upTo = (step: RunnableStep): RunnableStep[] => FORWARD.slice(0, FORWARD.indexOf(step as never) + 1);

describe('order of steps', () => {
  it('lets the way forward, and each of its steps twice', () => {
    const done: RunnableStep[] = [];
    for (const step of FORWARD) {
      expect(judgeStep(after('open', ...done), step).kind).toBe('run');
      done.push(step);
      expect(judgeStep(after('open', ...done), step).kind).toBe('run');
    }
    for (const step of AFTER_COMMIT) {
      expect(judgeStep(after('committed', ...done), step).kind).toBe('run');
      done.push(step);
    }
    expect(judgeStep(after('closed', ...done), Step.STEP_CLOSE).kind).toBe('answer');
  });

  it('skips nothing', () => {
    for (const [index, step] of FORWARD.entries()) {
      if (index === 0) continue;
      expect(judgeStep(after('open', ...FORWARD.slice(0, index - 1)), step)).toMatchObject({
        code: 'STEP_OUT_OF_ORDER',
      });
    }
  });

  it('skips nothing after commit either, nor on the way back', () => {
    const started = FORWARD.filter((step) => step !== Step.STEP_START_ETCD);
    for (const [step, before] of [
      [Step.STEP_START_API, started],
      [Step.STEP_START_CONTROLLERS, FORWARD],
      [Step.STEP_CLOSE, [...FORWARD, Step.STEP_START_API]],
    ] as const) {
      expect(judgeStep(after('committed', ...before), step)).toMatchObject({ code: 'STEP_OUT_OF_ORDER' });
    }
    expect(judgeStep(after('open', Step.STEP_UNDO_STOP), Step.STEP_UNDO_VERIFY)).toMatchObject({
      code: 'STEP_OUT_OF_ORDER',
    });
  });

  it.each(AFTER_COMMIT.map((step) => [STEP_NAMES[step], step] as const))(
    'refuses %s before commit',
    (_name, step) => {
      expect(judgeStep(after('open', ...FORWARD), step)).toMatchObject({ code: 'NOT_COMMITTED' });
    },
  );

  it.each(UNDO.map((step) => [STEP_NAMES[step], step] as const))('refuses %s after commit', (_name, step) => {
    for (const phase of ['committed', 'closed'] as const) {
      expect(judgeStep(after(phase, ...FORWARD), step)).toMatchObject({ code: 'ALREADY_COMMITTED' });
    }
  });

  it('lets undo begin from everywhere before commit, in its own order', () => {
    for (const step of FORWARD) {
      expect(judgeStep(after('open', ...upTo(step)), Step.STEP_UNDO_STOP).kind).toBe('run');
      expect(judgeStep(after('open', ...upTo(step)), Step.STEP_UNDO_START)).toMatchObject({
        code: 'STEP_OUT_OF_ORDER',
      });
    }
    expect(judgeStep(after('open', Step.STEP_UNDO_STOP), Step.STEP_UNDO_START).kind).toBe('run');
    expect(
      judgeStep(after('open', Step.STEP_UNDO_STOP, Step.STEP_UNDO_START), Step.STEP_UNDO_VERIFY).kind,
    ).toBe('run');
    expect(judgeStep(after('undone', ...UNDO), Step.STEP_UNDO_VERIFY).kind).toBe('answer');
  });

  it('goes nowhere but back once undo has begun', () => {
    for (const step of [...FORWARD, ...AFTER_COMMIT]) {
      expect(judgeStep(after('open', ...FORWARD, Step.STEP_UNDO_STOP), step)).toMatchObject({
        code: 'ALREADY_UNDONE',
      });
      expect(judgeStep(after('undone', ...FORWARD, Step.STEP_UNDO_STOP), step)).toMatchObject({
        code: 'ALREADY_UNDONE',
      });
    }
  });

  it('never builds again once NEW was looked at again, nor stops what was started', () => {
    expect(judgeStep(after('open', ...upTo(Step.STEP_SWAP)), Step.STEP_BUILD).kind).toBe('answer');
    expect(judgeStep(after('open', ...upTo(Step.STEP_REINSPECT)), Step.STEP_BUILD).kind).toBe('answer');
    expect(judgeStep(after('open', ...upTo(Step.STEP_SAFEGUARD)), Step.STEP_BUILD).kind).toBe('run');
    expect(judgeStep(after('open', ...upTo(Step.STEP_START_KUBELET)), Step.STEP_FENCE_API).kind).toBe(
      'answer',
    );
    expect(judgeStep(after('open', ...upTo(Step.STEP_START_KUBELET)), Step.STEP_SWAP).kind).toBe('answer');
  });

  it.each([
    ...upTo(Step.STEP_REINSPECT).map((step) => [STEP_NAMES[step], step, Step.STEP_FENCE_API] as const),
    ...([Step.STEP_FENCE_API, Step.STEP_FENCE_ETCD, Step.STEP_SWAP] as const).map(
      (step) => [STEP_NAMES[step], step, Step.STEP_START_KUBELET] as const,
    ),
  ])('answers or refuses %s once its time is over', (_name, step, ending) => {
    const done = after('open', ...upTo(ending));
    expect(judgeStep(done, step).kind).toBe('answer');
    const completed = new Set([...done.completed].filter((each) => each !== step));
    expect(judgeStep({ ...done, completed }, step)).toMatchObject({ code: 'STEP_OUT_OF_ORDER' });
  });

  it('is total, and no state lets both a way forward over the commit and an undo', () => {
    const views = fc.record({
      phase: fc.constantFrom<OperationPhase>('open', 'committed', 'undone', 'closed'),
      intended: fc.subarray(ALL),
      completed: fc.subarray(ALL),
    });
    fc.assert(
      fc.property(views, ({ phase, intended, completed }) => {
        const view: OperationView = {
          ...after(phase),
          completed: new Set(completed),
          intended: new Set([...intended, ...completed]),
        };
        const runs = ALL.filter((step) => judgeStep(view, step).kind === 'run');
        const crosses = runs.some((step) => (AFTER_COMMIT as readonly number[]).includes(step));
        expect(crosses && runs.some(isUndo)).toBe(false);
        expect((phase === 'undone' || phase === 'closed') && runs.length > 0).toBe(false);
      }),
    );
  });
});
