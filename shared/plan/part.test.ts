import { describe, expect, it } from 'vitest';
import { Step } from '../generated/lockstep/v1/agent.ts';
import { NodePlan } from '../generated/lockstep/v1/plan.ts';
import { takesStep } from './part.ts';

const kubernetes = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const files = (components: readonly string[]) =>
  components.map((component) => ({ component, fileName: `${component}.yaml` }));
const allInOne = NodePlan.fromPartial({ etcd: { name: 'cp1' }, manifests: files(['etcd', ...kubernetes]) });
const etcdHost = NodePlan.fromPartial({ hosting: 'systemd', etcd: { name: 'etcd1' } });
const etcdPod = NodePlan.fromPartial({
  hosting: 'static-pod',
  etcd: { name: 'e' },
  manifests: files(['etcd']),
});
const controlPlane = NodePlan.fromPartial({ hosting: 'static-pod', manifests: files(kubernetes) });
const unitBeside = NodePlan.fromPartial({
  hosting: 'systemd',
  etcd: { name: 'cp1' },
  manifests: files(kubernetes),
});

const MEMBERS = [
  Step.STEP_STAGE,
  Step.STEP_BUILD,
  Step.STEP_FENCE_ETCD,
  Step.STEP_SWAP,
  Step.STEP_START_ETCD,
  Step.STEP_PREPARE_GATE,
];
const KUBELETS = [Step.STEP_START_KUBELET, Step.STEP_START_API];
const EVERYBODY = [
  Step.STEP_SAFEGUARD,
  Step.STEP_REINSPECT,
  Step.STEP_FENCE_API,
  Step.STEP_START_CONTROLLERS,
  Step.STEP_CLOSE,
  Step.STEP_UNDO_STOP,
  Step.STEP_UNDO_START,
  Step.STEP_UNDO_VERIFY,
];

describe('who takes a step', () => {
  it.each([
    ['a node with all of it', allInOne, [...MEMBERS, ...KUBELETS, ...EVERYBODY]],
    ['an etcd host', etcdHost, [...MEMBERS, ...EVERYBODY]],
    ['an etcd host whose etcd is a static pod', etcdPod, [...MEMBERS, ...KUBELETS, ...EVERYBODY]],
    ['a control plane without a member', controlPlane, [...KUBELETS, ...EVERYBODY]],
    ['a control plane with etcd as a unit', unitBeside, [...MEMBERS, ...KUBELETS, ...EVERYBODY]],
  ])('%s', (_who, node, steps) => {
    const taken = [...MEMBERS, ...KUBELETS, ...EVERYBODY].filter((step) => takesStep(node, step));
    expect(taken).toEqual(steps);
  });

  it('is fenced whatever runs there', () => {
    for (const node of [allInOne, etcdHost, etcdPod, controlPlane, unitBeside, NodePlan.fromPartial({})]) {
      expect(takesStep(node, Step.STEP_FENCE_API)).toBe(true);
    }
  });
});
