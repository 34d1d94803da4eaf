import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { takesStep } from '@lockstep/shared/plan/part.ts';
import { describe, expect, it } from 'vitest';
import { judgeCommit } from './fence.ts';
import { type OperationView, type RunnableStep, STEP_NAMES } from './operation.ts';
import { nodePaths, plannedComponents } from './paths.ts';
import { judgeStep, type Takes } from './steps.ts';

const ETCD_HOST = NodePlan.fromPartial({
  node: 'etcd1',
  hosting: 'systemd',
  etcdUnit: 'etcd.service',
  etcd: { name: 'etcd1', dataDir: '/var/lib/etcd' },
});
const CONTROL_PLANE = NodePlan.fromPartial({
  node: 'cp1',
  hosting: 'static-pod',
  staticPodPath: '/etc/kubernetes/manifests',
  manifests: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((component) => ({
    component,
    fileName: `${component}.yaml`,
  })),
});
const partOf =
  (plan: NodePlan): Takes =>
  (step) =>
    takesStep(plan, step);

const WAY = {
  'an etcd host': [
    Step.STEP_STAGE,
    Step.STEP_BUILD,
    Step.STEP_SAFEGUARD,
    Step.STEP_REINSPECT,
    Step.STEP_FENCE_API,
    Step.STEP_FENCE_ETCD,
    Step.STEP_SWAP,
    Step.STEP_START_ETCD,
    Step.STEP_PREPARE_GATE,
  ],
  'a control plane without a member': [
    Step.STEP_SAFEGUARD,
    Step.STEP_REINSPECT,
    Step.STEP_FENCE_API,
    Step.STEP_START_KUBELET,
  ],
} as const;
const AFTER_COMMIT = {
  'an etcd host': [Step.STEP_START_CONTROLLERS, Step.STEP_CLOSE],
  'a control plane without a member': [Step.STEP_START_API, Step.STEP_START_CONTROLLERS, Step.STEP_CLOSE],
} as const;
const PLANS = { 'an etcd host': ETCD_HOST, 'a control plane without a member': CONTROL_PLANE } as const;
const KINDS = Object.keys(PLANS) as (keyof typeof PLANS)[];
const ALL = Object.keys(STEP_NAMES).map(Number) as RunnableStep[];
const RESTORE = ALL.filter((step) => step < Step.STEP_UNDO_STOP);

const after = (phase: OperationView['phase'], steps: readonly RunnableStep[]): OperationView => ({
  operationId: 'r',
  planSha256: 'p',
  phase,
  intended: new Set(steps),
  completed: new Set(steps),
});

describe.each(KINDS)('%s', (kind) => {
  const takes = partOf(PLANS[kind]);
  const way = WAY[kind];

  it('goes its own way, step after step, and commits at its end', () => {
    const done: RunnableStep[] = [];
    for (const step of way) {
      expect(judgeStep(after('open', done), step, takes)).toEqual({ kind: 'run' });
      done.push(step);
    }
    expect(judgeCommit(after('open', done), takes)).toEqual({ kind: 'commit' });
    for (const step of AFTER_COMMIT[kind]) {
      expect(judgeStep(after('committed', done), step, takes)).toEqual({ kind: 'run' });
      done.push(step);
    }
  });

  it('leaves out none of its steps', () => {
    for (const [index, step] of way.entries()) {
      if (index === 0) continue;
      const done = way.slice(0, index - 1);
      expect(judgeStep(after('open', done), step, takes)).toMatchObject({ code: 'STEP_OUT_OF_ORDER' });
    }
  });

  it('takes no step that it has no part in', () => {
    const own: readonly RunnableStep[] = [...way, ...AFTER_COMMIT[kind]];
    const whole = after('committed', RESTORE);
    for (const step of RESTORE) {
      if (own.includes(step)) continue;
      expect(judgeStep(whole, step, takes)).toMatchObject({ code: 'STEP_OUT_OF_ORDER' });
    }
  });

  it('does not commit before the last of its steps before the gate', () => {
    const last = kind === 'an etcd host' ? Step.STEP_START_ETCD : Step.STEP_START_KUBELET;
    const done = way.slice(0, (way as readonly RunnableStep[]).indexOf(last));
    expect(judgeCommit(after('open', done), takes)).toMatchObject({ code: 'STEP_OUT_OF_ORDER' });
  });

  it('is not fenced again once something was started', () => {
    const start = kind === 'an etcd host' ? Step.STEP_START_ETCD : Step.STEP_START_KUBELET;
    const started = way.slice(0, (way as readonly RunnableStep[]).indexOf(start) + 1);
    expect(judgeStep(after('open', started), Step.STEP_FENCE_API, takes)).toEqual({ kind: 'answer' });
  });

  it('goes back like any other', () => {
    expect(judgeStep(after('open', way), Step.STEP_UNDO_STOP, takes)).toEqual({ kind: 'run' });
    expect(judgeStep(after('open', way), Step.STEP_UNDO_START, takes)).toMatchObject({
      code: 'STEP_OUT_OF_ORDER',
    });
  });
});

it('etcd is a component by its unit as by its manifest', () => {
  expect(plannedComponents(ETCD_HOST)).toEqual(['etcd']);
  expect(plannedComponents(CONTROL_PLANE)).not.toContain('etcd');
});

it('without a kubelet nothing is parked beside its directory, which is nowhere', () => {
  expect(nodePaths(ETCD_HOST, 'r-1', '/var/lib/lockstep').parkedDir).toBe(
    '/var/lib/lockstep/operations/r-1/parked',
  );
  expect(nodePaths(CONTROL_PLANE, 'r-1', '/var/lib/lockstep').parkedDir).toBe('/etc/kubernetes/lockstep/r-1');
});
