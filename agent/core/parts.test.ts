import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { nextAction, type Observation } from './convergence.ts';
import { judgeCommit } from './fence.ts';
import type { OperationView, RunnableStep } from './operation.ts';
import { nodePaths, plannedComponents } from './paths.ts';
import { judgeStep } from './steps.ts';

const done = (...steps: RunnableStep[]): OperationView => ({
  operationId: 'r-1',
  planSha256: 'p',
  phase: 'open',
  intended: new Set(steps),
  completed: new Set(steps),
});
const without =
  (...steps: RunnableStep[]) =>
  (step: RunnableStep): boolean =>
    !steps.includes(step);
const BEFORE_FENCE = [Step.STEP_STAGE, Step.STEP_BUILD, Step.STEP_SAFEGUARD, Step.STEP_REINSPECT] as const;
const STOPPED = [...BEFORE_FENCE, Step.STEP_FENCE_API, Step.STEP_FENCE_ETCD, Step.STEP_SWAP] as const;

describe('a step that a node has no part in', () => {
  it('is refused, and is no bar to the next', () => {
    const takes = without(Step.STEP_STAGE, Step.STEP_BUILD);
    expect(judgeStep(done(), Step.STEP_STAGE, takes)).toMatchObject({ code: 'STEP_OUT_OF_ORDER' });
    expect(judgeStep(done(), Step.STEP_SAFEGUARD, takes).kind).toBe('run');
  });

  it('of kubelet leaves the end of the fence to etcd’s start', () => {
    const started = done(...STOPPED, Step.STEP_START_ETCD);
    expect(judgeStep(started, Step.STEP_FENCE_ETCD, without(Step.STEP_START_KUBELET)).kind).toBe('answer');
    const fenced = done(...STOPPED);
    expect(judgeStep(fenced, Step.STEP_FENCE_ETCD, without(Step.STEP_START_KUBELET)).kind).toBe('run');
    const released = done(...STOPPED, Step.STEP_START_KUBELET);
    expect(judgeStep(released, Step.STEP_FENCE_ETCD, () => true).kind).toBe('answer');
  });

  it('is not what a commit waits for', () => {
    const refused = judgeCommit(done(...STOPPED));
    expect(refused).toMatchObject({ message: expect.stringContaining('START_ETCD') });
    const takes = without(Step.STEP_START_KUBELET, Step.STEP_START_ETCD);
    expect(judgeCommit(done(...STOPPED), takes)).toEqual({ kind: 'commit' });
    expect(judgeCommit(done(), () => false)).toMatchObject({
      code: 'STEP_OUT_OF_ORDER',
      message: expect.stringContaining('no part'),
    });
  });
});

describe('a node without a store', () => {
  const fenced: Observation = {
    store: 'none',
    exchanged: true,
    kubelet: { held: true, marked: true, active: false },
    planned: ['kube-apiserver'],
    manifestsInPlace: [],
    provenStopped: false,
  };
  const next = (change: Partial<Observation>) => nextAction({ ...fenced, ...change }, 'old-in-place');

  it('is proven stopped, and has nothing to exchange', () => {
    expect(next({})).toEqual({ kind: 'act', action: { kind: 'stop-components' } });
    expect(next({ provenStopped: true })).toEqual({ kind: 'done' });
  });

  it('is left alone where nothing was ever down', () => {
    const kubelet = { held: false, marked: false, active: true };
    expect(next({ exchanged: false, kubelet, manifestsInPlace: ['kube-apiserver'] })).toEqual({
      kind: 'done',
    });
  });
});

describe('a member that is a unit', () => {
  const plan = NodePlan.fromPartial({ hosting: 'systemd', etcdUnit: 'etcd.service', etcd: {} });

  it('is a component without a manifest', () => {
    expect(plannedComponents(plan)).toEqual(['etcd']);
    expect(plannedComponents({ ...plan, etcdUnit: '' })).toEqual([]);
  });

  it('has no directory named by what is no name, though no kubelet parks anything there', () => {
    expect(nodePaths(plan, 'r-1', '/state').parkedDir).toBe('/state/operations/r-1/parked');
    for (const name of ['..', 'a/b', '']) {
      expect(() => nodePaths(plan, name, '/state')).toThrow(
        expect.objectContaining({ code: 'PATH_NOT_ALLOWED', message: expect.stringContaining('no name') }),
      );
    }
  });
});
