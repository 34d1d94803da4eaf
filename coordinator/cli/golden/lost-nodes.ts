import {
  NodeStatus,
  type Operation,
  OperationReport,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import {
  Approval,
  Consequences,
  PlanKind,
  RestorePlan,
} from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import * as night from './fixtures.ts';

/** The same night, had cp3 been away, or cp2 and cp3 been gone for good. */

const OUT = { address: '10.0.0.3:7443', memberName: 'cp3', hosts: ['10.0.0.3'] };
const MEMBERS = ['cp1', 'cp2', 'cp3'].map((name, index) => ({ id: `8e9e05c52164694${index}`, name }));

export const WITHOUT_PLAN = RestorePlan.fromPartial({
  ...night.PLAN,
  nodes: night.PLAN.nodes.filter(({ node }) => node !== 'cp3'),
  baseline: { serving: true, members: MEMBERS },
  leftOut: [{ ...OUT, node: 'cp3', memberId: '8e9e05c521646942' }],
});

export const DESTROYED_PLAN = RestorePlan.fromPartial({
  ...night.PLAN,
  nodes: night.PLAN.nodes.filter(({ node }) => node === 'cp1'),
  baseline: { serving: false, members: MEMBERS },
  consequences: Consequences.create({ known: false }),
  leftOut: [
    { ...OUT, node: 'cp2', memberId: '8e9e05c521646941', hosts: ['10.0.0.2'], destroyed: true },
    { ...OUT, node: 'cp3', memberId: '8e9e05c521646942', destroyed: true },
  ],
  approvalNeeds: [{ code: 'DESTROYED', message: 'cp2, cp3: gone for good, never to serve OLD again' }],
});

export const APPROVAL = Approval.fromPartial({
  approvedBy: 'lockstep://prod/operator/bob',
  approvedMs: BigInt(night.NOW_MS - 60_000),
  reason: 'both hosts burnt, I saw it',
});

export const DESTROYED_REPORT = OperationReport.fromPartial({
  ...night.REPORT,
  kept: night.REPORT.kept.filter(({ node }) => node === 'cp1'),
  consequences: Consequences.create({ known: false }),
  approval: APPROVAL,
  leftOut: DESTROYED_PLAN.leftOut,
});

export const DESTROYED_OPERATION: Operation = {
  ...night.RESTORED_OPERATION,
  nodes: night.RESTORED_OPERATION.nodes.filter(({ node }) => node === 'cp1'),
  approval: APPROVAL,
};

export const REVERT_PLAN = RestorePlan.fromPartial({
  ...night.PLAN,
  subjectOperationId: 'r-20261122-013000-k2p8ww',
  reason: 'the wrong snapshot',
});

export const SET_ASIDE_NODE = NodeStatus.fromPartial({
  node: 'cp3',
  address: '10.0.0.3:7443',
  report: {
    node: 'cp3',
    agentVersion: '0.1.0',
    hosting: 'static-pod',
    ledgerId: '0d0d2f6a-6a2e-4c2b-9a39-d1a3a1f0c0de',
    clockMs: BigInt(night.NOW_MS),
    setAsideOperationId: 'a-20261122-025930-q7h1vb',
    etcd: { name: 'cp3', dataDir: '/var/lib/etcd', serving: false, version: '3.5.16', revision: 191_871n },
    kubelet: { unit: 'kubelet.service', active: false, staticPodPath: '/etc/kubernetes/manifests' },
  },
});

export const REJOIN_PLAN = RestorePlan.fromPartial({
  operationId: 'r-20261122-030500-m0d4fy',
  cluster: 'prod',
  requestedBy: 'lockstep://prod/operator/ada',
  reason: 'its host is mended',
  expiresMs: BigInt(night.NOW_MS + 15 * 60_000),
  kind: PlanKind.PLAN_KIND_REJOIN,
  subjectOperationId: 'a-20261122-025930-q7h1vb',
  rejoins: { node: 'cp3' },
  nodes: [
    { node: 'cp2', order: 0 },
    {
      node: 'cp3',
      order: 1,
      etcd: {
        dataDir: '/var/lib/etcd',
        initialCluster: 'cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380,cp3=https://10.0.0.3:2380',
      },
    },
  ],
});
