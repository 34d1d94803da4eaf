import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { PlanKind } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { type OperationView, type RunnableStep, STEP_NAMES } from './operation.ts';
import { judgeKind, judgeStep } from './steps.ts';

const STEPS = Object.keys(STEP_NAMES).map(Number) as RunnableStep[];
const KINDS = [
  PlanKind.PLAN_KIND_UNSPECIFIED,
  PlanKind.PLAN_KIND_SET_ASIDE,
  PlanKind.PLAN_KIND_REJOIN,
] as const;

function view(phase: OperationView['phase'], done: readonly RunnableStep[]): OperationView {
  return {
    operationId: 'r-1',
    planSha256: 'digest',
    phase,
    intended: new Set(done),
    completed: new Set(done),
  };
}

describe('the kinds of operations', () => {
  it('share no step', () => {
    for (const step of STEPS) {
      const fitting = KINDS.filter((kind) => judgeKind(kind, step).kind === 'run');
      expect(fitting, STEP_NAMES[step]).toHaveLength(1);
    }
  });

  it('have these steps of their own', () => {
    const of = (kind: PlanKind): string[] =>
      STEPS.filter((step) => judgeKind(kind, step).kind === 'run').map((step) => STEP_NAMES[step]);
    expect(of(PlanKind.PLAN_KIND_REJOIN).every((name) => name.startsWith('STEP_REJOIN_'))).toBe(true);
    expect(of(PlanKind.PLAN_KIND_SET_ASIDE)).toEqual(['STEP_SET_ASIDE']);
    const others = of(PlanKind.PLAN_KIND_UNSPECIFIED);
    expect(others.some((name) => /REJOIN|SET_ASIDE/.test(name))).toBe(false);
    expect(others).toHaveLength(STEPS.length - of(PlanKind.PLAN_KIND_REJOIN).length - 1);
  });

  it('know no step of a kind that is not known here', () => {
    for (const step of STEPS) expect(judgeKind(99 as PlanKind, step).kind).toBe('refused');
  });
});

describe('a re-join', () => {
  const { STEP_REJOIN_ADMIT, STEP_REJOIN_EMPTY, STEP_REJOIN_START } = Step;
  const { STEP_REJOIN_PROMOTE, STEP_REJOIN_SERVE, STEP_REJOIN_BACK } = Step;

  it('makes no empty store again once one may have been joined with', () => {
    const begun = view('open', [STEP_REJOIN_EMPTY, STEP_REJOIN_START]);
    expect(judgeStep(begun, STEP_REJOIN_EMPTY).kind).toBe('answer');
    expect(judgeStep(view('open', [STEP_REJOIN_EMPTY]), STEP_REJOIN_EMPTY).kind).toBe('run');
  });

  it('goes in order', () => {
    expect(judgeStep(view('open', []), STEP_REJOIN_START).kind).toBe('refused');
    expect(judgeStep(view('open', []), STEP_REJOIN_PROMOTE).kind).toBe('refused');
    expect(judgeStep(view('open', [STEP_REJOIN_ADMIT]), STEP_REJOIN_PROMOTE).kind).toBe('run');
    expect(judgeStep(view('open', [STEP_REJOIN_EMPTY]), STEP_REJOIN_SERVE).kind).toBe('refused');
  });

  it('goes only back once it went back, and only forward once it voted', () => {
    const back = view('open', [STEP_REJOIN_ADMIT, STEP_REJOIN_EMPTY, STEP_REJOIN_BACK]);
    for (const step of [STEP_REJOIN_PROMOTE, STEP_REJOIN_START, STEP_REJOIN_ADMIT] as const) {
      expect(judgeStep(back, step)).toMatchObject({ kind: 'refused', code: 'ALREADY_UNDONE' });
    }
    expect(judgeStep(back, STEP_REJOIN_BACK).kind).toBe('run');
    const voted = view('closed', [STEP_REJOIN_ADMIT, STEP_REJOIN_PROMOTE]);
    expect(judgeStep(voted, STEP_REJOIN_BACK)).toMatchObject({ kind: 'refused', code: 'ALREADY_COMMITTED' });
    expect(judgeStep(voted, STEP_REJOIN_PROMOTE).kind).toBe('answer');
  });
});
