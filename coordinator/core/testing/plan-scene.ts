import type { EncryptionVerdict_Verdict as Verdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { Consequences } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { type Proof, SnapshotCard, SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { InspectedNode } from '../inspected-node.ts';
import { makePlan } from '../plan.ts';
import type { PlanInput } from '../plan-input.ts';

const GIB = 1024n ** 3n;
export const MEMBERS = [1, 2, 3].map((n) => ({
  id: `m${n}`,
  name: `cp${n}`,
  peerUrls: [`https://10.0.0.${n}:2380`],
  clientUrls: [`https://10.0.0.${n}:2379`],
  learner: false,
}));

export type Reported = ReturnType<typeof NodeReport.fromPartial>;

export function report(n: number): Reported {
  return NodeReport.fromPartial({
    node: `cp${n}`,
    cluster: 'lab',
    ledgerId: `ledger-${n}`,
    hosting: 'static-pod',
    clockMs: 1_000_000n,
    advertiseAddress: `10.0.0.${n}:7443`,
    etcd: {
      name: `cp${n}`,
      dataDir: '/var/lib/etcd',
      version: '3.5.16',
      memberId: `m${n}`,
      clusterId: 'old',
      serving: true,
      leader: n === 1,
      revision: 5000n,
      raftIndex: 9000n,
      members: MEMBERS,
      advertiseClientUrls: [`https://10.0.0.${n}:2379`],
      listenClientUrls: [`https://127.0.0.1:2379`, `https://10.0.0.${n}:2379`],
      initialAdvertisePeerUrls: [`https://10.0.0.${n}:2380`],
      apiServerAddresses: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
      store: { dbSizeBytes: 30_000_000n },
    },
    apiServer: {
      etcdPrefix: '/registry',
      advertiseAddress: `10.0.0.${n}`,
      version: 'v1.34.1',
      clusterCaSha256: 'ca',
      serviceAccountKeySha256: ['sa'],
    },
    manifests: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((component) => ({
      fileName: `${component}.yaml`,
      component,
      parsable: true,
      runsEtcd: component === 'etcd',
    })),
    kubelet: { unit: 'kubelet.service', active: true, staticPodPath: '/etc/kubernetes/manifests' },
    disks: [
      { purpose: 'data', path: '/var/lib/etcd', freeBytes: 10n * GIB, totalBytes: 20n * GIB, device: 1n },
      {
        purpose: 'state',
        path: '/var/lib/lockstep',
        freeBytes: 10n * GIB,
        totalBytes: 20n * GIB,
        device: 1n,
      },
    ],
    tools: [{ name: 'etcdutl', path: '/usr/bin/etcdutl', version: '3.5.16', sha256: 'tool' }],
  });
}

export const FACTS = SnapshotFacts.fromPartial({
  status: { revision: 1200n, totalSizeBytes: 20_000_000n },
  fileSha256: 'file',
  fileSizeBytes: 20_000_032n,
  trailerPresent: true,
  trailerValid: true,
  clusterVersion: '3.5.0',
  kubernetesVersion: 'v1.34.1',
  registryPrefix: '/registry',
  clusterCaSha256: 'ca',
  objects: [{ resource: 'pods', namespace: 'default', count: 3n }],
});

/** What a plan is made from, to be changed in one thing or another. */
export interface Scene {
  reports: Reported[];
  facts: SnapshotFacts;
  card: SnapshotCard;
  distrust: Refusal[];
  proofs: Proof[];
  input: Partial<PlanInput>;
}

/** The plan of a healthy cluster of three, but for the change. */
export function planned(change: (scene: Scene) => unknown = () => undefined): ReturnType<typeof makePlan> {
  const scene: Scene = {
    reports: [report(1), report(2), report(3)],
    facts: structuredClone(FACTS),
    card: SnapshotCard.fromPartial({
      id: 's-1',
      cluster: 'lab',
      facts: FACTS,
      etcdVersion: '3.5.16',
      serviceAccountKeySha256: ['sa'],
    }),
    distrust: [],
    proofs: [],
    input: {},
  };
  change(scene);
  const nodes = scene.reports.map(
    (each): InspectedNode => ({
      node: each.node,
      address: each.advertiseAddress,
      report: each,
      failure: undefined,
      askedMs: 1_000_000,
      encryption: [],
    }),
  );
  return makePlan({
    operationId: 'r-1',
    cluster: 'lab',
    clusterToken: 'token',
    nowMs: 1_000_000,
    planExpiryMs: 900_000,
    requestedBy: 'lockstep://lab/operator/eve',
    reason: 'test',
    maxOutageMs: 0n,
    overrides: [],
    asked: { without: [], destroyed: [] },
    into: '',
    cures: undefined,
    reverts: '',
    nodes,
    snapshot: {
      id: 's-1',
      card: scene.card,
      sealed: { cardJson: '{}', seals: [] },
      distrust: scene.distrust,
      proofs: scene.proofs,
      copies: [{ node: 'cp2', address: '10.0.0.2:7443', facts: scene.facts, refusals: [] }],
    },
    consequences: Consequences.fromPartial({ known: true }),
    ...scene.input,
  });
}

export const etcdOf = (scene: Scene, n: number): NonNullable<Reported['etcd']> => {
  const etcd = scene.reports[n]?.etcd;
  if (etcd === undefined) throw new Error('no etcd');
  return etcd;
};
export const apiOf = (scene: Scene, n: number): NonNullable<Reported['apiServer']> => {
  const api = scene.reports[n]?.apiServer;
  if (api === undefined) throw new Error('no API server');
  return api;
};
export const at = (scene: Scene, n: number): Reported => {
  const each = scene.reports[n];
  if (each === undefined) throw new Error('no report');
  return each;
};

/** The nodes, each of which answers so where it tries the keys of what is encrypted. */
export function nodesWithVerdict(scene: Scene, verdict: Verdict): InspectedNode[] {
  return scene.reports.map((each) => ({
    node: each.node,
    address: each.advertiseAddress,
    report: each,
    failure: undefined,
    askedMs: 1_000_000,
    encryption: scene.facts.encryption.map(({ provider, keyName }) => ({ provider, keyName, verdict })),
  }));
}
