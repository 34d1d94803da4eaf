import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import {
  NodeStatus,
  Operation,
  OperationReport,
  SnapshotVerdict,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { Consequences, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import {
  Revocation,
  SnapshotCard,
  SnapshotFacts,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

/** One night, as the golden pages show it. */
export const NOW_MS = Date.UTC(2026, 10, 22, 3, 0, 0);
const MINUTE_MS = 60_000;

export const SNAPSHOT_ID = 's-20261122-020500-7kq2ab';
export const OPERATION_ID = 'r-20261122-025900-x3m9ze';
const NODES = ['cp1', 'cp2', 'cp3'];
const MIB = 1024n * 1024n;

export const FACTS = SnapshotFacts.create({
  status: {
    hash: 0xfe01cf57,
    revision: 184_223n,
    totalEntries: 9_841n,
    liveKeys: 2_214n,
    totalSizeBytes: 24n * MIB,
    storageVersion: '',
  },
  fileSha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  fileSizeBytes: 24n * MIB + 32n,
  trailerPresent: true,
  trailerValid: true,
  contentSha256: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  compactRevision: 181_002n,
  clusterVersion: '3.5.0',
  members: NODES.map((name, index) => ({
    id: `8e9e05c52164694${index}`,
    name,
    peerUrls: [],
    clientUrls: [],
    learner: false,
  })),
  alarms: [],
  leaseCount: 212n,
  shortLeaseCount: 41n,
  objects: [
    { resource: 'pods', namespace: 'kube-system', count: 41n },
    { resource: 'pods', namespace: 'shop', count: 312n },
    { resource: 'configmaps', namespace: 'shop', count: 1_204n },
    { resource: 'secrets', namespace: 'shop', count: 402n },
    { resource: 'stable.example.com/crontabs', namespace: 'shop', count: 60n },
    { resource: 'serviceaccounts', namespace: 'kube-system', count: 38n },
  ],
  encryption: [
    { provider: '', keyName: '', count: 1_655n },
    { provider: 'aescbc', keyName: 'key1', count: 402n },
  ],
  registryPrefix: '/registry',
  clusterCaSha256: 'ab5df625bc76dbd4e163bed2dd888df828f90159bb93556525c31821b6541d46',
  kubernetesVersion: 'v1.34.1',
});

export const CARD = SnapshotCard.create({
  id: SNAPSHOT_ID,
  cluster: 'prod',
  node: 'cp2',
  takenAt: '2026-11-22T02:05:00Z',
  reason: 'nightly',
  facts: FACTS,
  etcdClusterId: 'cdf818194e3a8c32',
  etcdVersion: '3.5.16',
  kubernetesVersion: 'v1.34.1',
});

export const STORED = NODES.slice(1).map((node) =>
  StoredSnapshot.create({
    card: CARD,
    node,
    path: `/var/lib/lockstep/snapshots/${SNAPSHOT_ID}.db`,
    trust: { signers: ['lockstep://prod/agent/cp2', 'lockstep://prod/coordinator/bastion'] },
  }),
);

export const OLDER = StoredSnapshot.create({
  card: {
    ...CARD,
    id: 's-20261121-020500-0zd41c',
    takenAt: '2026-11-21T02:05:00Z',
    reason: 'before the upgrade of the shop to its new version, which took all day',
  },
  node: 'cp3',
  trust: {
    signers: ['lockstep://prod/agent/cp2'],
    distrust: [
      refusal('CARD_UNSEALED', 's-20261121-020500-0zd41c is sealed by lockstep://prod/agent/cp2 alone'),
    ],
  },
});

export const REVOCATIONS = [
  Revocation.fromPartial({
    signer: 'lockstep://prod/agent/cp2',
    since: '2026-11-20T08:00:00.000Z',
    reason: 'its disk was read in the workshop',
    by: 'lockstep://prod/operator/ada',
    at: '2026-11-21T17:30:00.000Z',
  }),
];

export const NODE_STATUSES = [
  ...NODES.map((node, index) =>
    NodeStatus.fromPartial({
      node,
      address: `10.0.0.${index + 1}:7443`,
      report: {
        node,
        agentVersion: '0.1.0',
        hosting: 'static-pod',
        ledgerId: '5f1c6f60-6a2e-4c2b-9a39-d1a3a1f0c0de',
        clockMs: BigInt(NOW_MS),
        etcd: {
          name: node,
          dataDir: '/var/lib/etcd',
          serving: true,
          version: '3.5.16',
          memberId: `8e9e05c52164694${index}`,
          clusterId: 'cdf818194e3a8c32',
          revision: 191_871n,
          leader: index === 0,
          listenClientUrls: ['https://127.0.0.1:2379', `https://10.0.0.${index + 1}:2379`],
          members: NODES.map((name) => ({ name })),
          store: { dbSizeBytes: 31n * MIB, filesystem: 'ext4' },
        },
        apiServer: {
          version: 'v1.34.1',
          ready: index !== 2,
          advertiseAddress: `10.0.0.${index + 1}`,
          securePort: 6443,
          etcdPrefix: '/registry',
          encryptionKeys: [{ provider: 'aescbc', keyName: 'key1' }, { provider: 'identity' }],
        },
        kubelet: { unit: 'kubelet.service', active: true, staticPodPath: '/etc/kubernetes/manifests' },
        tools: [{ name: 'etcdutl', version: '3.5.16', path: '/usr/local/bin/etcdutl' }],
        disks: [
          { purpose: 'data', path: '/var/lib', freeBytes: 41n * 1024n * MIB, totalBytes: 98n * 1024n * MIB },
        ],
      },
    }),
  ),
  NodeStatus.fromPartial({
    node: 'worker-with-a-rather-long-name-1.example.internal',
    address: '10.0.0.11:7443',
    failure: {
      code: 'UNREACHABLE',
      node: '',
      message: '10.0.0.11:7443 is unreachable: connect ECONNREFUSED 10.0.0.11:7443',
      cure: 'Check the address and the network; ask for the state before repeating anything.',
      causes: [],
    },
  }),
];

export const CONSEQUENCES = Consequences.create({
  known: true,
  lost: [
    { resource: 'pods', namespace: 'kube-system', count: 3n },
    { resource: 'pods', namespace: 'shop', count: 12n },
    { resource: 'daemonsets', namespace: 'kube-system', count: 1n },
    { resource: 'clusterrolebindings', namespace: '', count: 1n },
    { resource: 'events', namespace: 'shop', count: 1_920n },
  ],
  revived: [
    { resource: 'events', namespace: 'shop', count: 188n },
    { resource: 'secrets', namespace: 'shop', count: 2n },
  ],
  changed: [
    { resource: 'configmaps', namespace: 'shop', count: 7n },
    { resource: 'leases', namespace: 'kube-node-lease', count: 6n },
    { resource: 'secrets', namespace: 'shop', count: 2n },
  ],
  podsKilled: [
    ...NODES.map((node) => `kube-system/node-problem-${node} on ${node}`),
    ...Array.from({ length: 12 }, (_, i) => `shop/checkout-6d5f7c9b8-${i}abcd on worker-${i % 4}`),
  ],
  jobsRerun: ['shop/nightly-invoice-29384'],
  accessRevived: [
    'ServiceAccount token secret shop/ci-deployer-token',
    'RoleBinding shop/former-contractor -> ClusterRole edit',
  ],
  lostExamples: [
    '/registry/clusterrolebindings/metrics-agent-view',
    '/registry/daemonsets/kube-system/node-problem',
  ],
});

export const PLAN = RestorePlan.fromPartial({
  operationId: OPERATION_ID,
  cluster: 'prod',
  createdMs: BigInt(NOW_MS - MINUTE_MS),
  expiresMs: BigInt(NOW_MS + 14 * MINUTE_MS),
  requestedBy: 'lockstep://prod/operator/ada',
  reason: 'intrusion at 02:20, see incident 4711',
  snapshot: CARD,
  nodes: [1, 2, 0].map((index, order) => ({
    node: NODES[index] as string,
    address: `10.0.0.${index + 1}:7443`,
    order: order + 1,
    etcd: { name: NODES[index] as string, dataDir: '/var/lib/etcd', oldStore: { dbSizeBytes: 31n * MIB } },
    manifests: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((component) => ({
      component,
      fileName: `${component}.yaml`,
    })),
    etcdutl: { version: '3.5.16', path: '/usr/local/bin/etcdutl' },
    neededBytes: 112n * MIB,
  })),
  bump: { by: 1_000_000n, toRevision: 1_184_223n },
  consequences: CONSEQUENCES,
  maxOutageMs: 90_000n,
  expectedOutageMs: 6_400n,
  startMembersInTurn: true,
});

export const WARNINGS = [refusal('CLOCK_SKEW', 'The clock of cp3 is 14 s behind that of cp1.', 'cp3')];

export const REFUSALS = [
  refusal('SPACE_TOO_LITTLE', '/var/lib on cp2 has 64 MiB free; 112 MiB are needed.', 'cp2'),
  refusal('ENCRYPTION_UNPROVEN', '402 secrets are encrypted through the KMS plugin vault.'),
];

const FAILURE = {
  code: 'BUILD_FAILED',
  node: 'cp3',
  message: 'etcdutl ended with status 1: "open /var/lib/.lockstep/store: no space left on device".',
  cure: 'Free space on the node, then plan again.',
  causes: ['etcdutl snapshot restore: exit status 1', 'ENOSPC: no space left on device'],
};

function event(
  sequence: number,
  afterMs: number,
  body: NonNullable<OperationEvent['event']>,
): OperationEvent {
  return {
    operationId: OPERATION_ID,
    sequence: BigInt(sequence),
    atMs: BigInt(NOW_MS + afterMs),
    event: body,
  };
}

const started = (phase: Phase) => ({ $case: 'phaseStarted', value: { phase } }) as const;
const ended = (phase: Phase, ms: number) =>
  ({ $case: 'phaseEnded', value: { phase, durationMs: BigInt(ms) } }) as const;
const node = (phase: Phase, name: string, step: string, bytes = 0n, total = 0n, done = false) =>
  ({
    $case: 'nodeProgress',
    value: { phase, node: name, step, doneBytes: bytes, totalBytes: total, done },
  }) as const;

const UNTIL_BUILD = [
  started(Phase.PHASE_PROMISE),
  ended(Phase.PHASE_PROMISE, 120),
  started(Phase.PHASE_STAGE),
  ...NODES.map((name) => node(Phase.PHASE_STAGE, name, 'pulling', 24n * MIB, 24n * MIB, true)),
  ended(Phase.PHASE_STAGE, 2_140),
  started(Phase.PHASE_BUILD),
  node(Phase.PHASE_BUILD, 'cp2', 'building', 0n, 24n * MIB),
  node(Phase.PHASE_BUILD, 'cp3', 'building', 0n, 24n * MIB),
  node(Phase.PHASE_BUILD, 'cp3', 'reading back', 0n, 0n, true),
  node(Phase.PHASE_BUILD, 'cp2', 'building', 8n * MIB, 24n * MIB),
] as const;

const AFTER_BUILD = [
  node(Phase.PHASE_BUILD, 'cp1', 'building', 24n * MIB, 24n * MIB, true),
  ended(Phase.PHASE_BUILD, 4_800),
  started(Phase.PHASE_SAFEGUARD),
  ended(Phase.PHASE_SAFEGUARD, 900),
  started(Phase.PHASE_REINSPECT),
  ended(Phase.PHASE_REINSPECT, 310),
  started(Phase.PHASE_FENCE),
  node(Phase.PHASE_FENCE, 'cp1', 'stopping kubelet'),
  node(Phase.PHASE_FENCE, 'cp2', 'stopping etcd', 0n, 0n, true),
] as const;

function timeline(bodies: readonly NonNullable<OperationEvent['event']>[], everyMs = 800): OperationEvent[] {
  return bodies.map((body, index) => event(index + 1, index * everyMs, body));
}

export const BUILDING = timeline(UNTIL_BUILD);
export const FENCING = timeline([...UNTIL_BUILD, ...AFTER_BUILD], 500);
export const RESTORED = timeline(
  [
    ...UNTIL_BUILD,
    ...AFTER_BUILD,
    ended(Phase.PHASE_FENCE, 1_300),
    started(Phase.PHASE_SWAP),
    ended(Phase.PHASE_SWAP, 90),
    started(Phase.PHASE_START_ETCD),
    {
      $case: 'notice',
      value: { code: 'TAKEN_OVER', message: 'Coordinator bastion-2 took over under epoch 8.' },
    },
    ended(Phase.PHASE_START_ETCD, 2_050),
    started(Phase.PHASE_COMMIT),
    ended(Phase.PHASE_COMMIT, 60),
    started(Phase.PHASE_START_API),
    ended(Phase.PHASE_START_API, 2_200),
    started(Phase.PHASE_START_CONTROLLERS),
    ended(Phase.PHASE_START_CONTROLLERS, 1_800),
    { $case: 'operationEnded', value: { outcome: Outcome.OUTCOME_RESTORED, failure: undefined } },
  ],
  500,
);
export const UNDOING = timeline(
  [
    ...UNTIL_BUILD,
    { $case: 'nodeFailed', value: { phase: Phase.PHASE_BUILD, failure: FAILURE } },
    { $case: 'undoStarted', value: { fromPhase: Phase.PHASE_BUILD, cause: FAILURE } },
    ended(Phase.PHASE_BUILD, 4_000),
    started(Phase.PHASE_UNDO),
    node(Phase.PHASE_UNDO, 'cp1', 'starting etcd'),
    node(Phase.PHASE_UNDO, 'cp2', 'deleting', 0n, 0n, true),
  ],
  500,
);

const BASE = {
  operationId: OPERATION_ID,
  cluster: 'prod',
  requestedBy: 'lockstep://prod/operator/ada',
  startedMs: BigInt(NOW_MS),
  epoch: { number: 7n, coordinatorId: 'bastion' },
};

export const RUNNING_OPERATION = Operation.fromPartial({
  ...BASE,
  phase: Phase.PHASE_BUILD,
  nodes: NODES.map((name, index) => ({
    node: name,
    phase: Phase.PHASE_BUILD,
    step: index === 0 ? '' : 'building',
    done: index === 2,
  })),
});

export const RESTORED_OPERATION = Operation.fromPartial({
  ...BASE,
  endedMs: BigInt(NOW_MS + 16_800),
  phase: Phase.PHASE_REPORT,
  outcome: Outcome.OUTCOME_RESTORED,
  nodes: NODES.map((name) => ({
    node: name,
    phase: Phase.PHASE_REPORT,
    done: true,
    truth: 'Runs NEW; OLD is kept.',
  })),
});

export const STRANDED_OPERATION = Operation.fromPartial({
  ...BASE,
  endedMs: BigInt(NOW_MS + 98_000),
  phase: Phase.PHASE_START_API,
  outcome: Outcome.OUTCOME_NEEDS_OPERATOR,
  failure: {
    code: 'FORWARD_FAILED',
    node: 'cp3',
    message: 'kube-apiserver on cp3 was not ready within 60 s.',
    cure: 'See what is true on each node, mend it, then `lockstep restore resume`.',
    causes: ['STEP_TIMED_OUT: START_API on cp3 did not end within 60 s'],
  },
  nodes: [
    {
      node: 'cp1',
      phase: Phase.PHASE_START_API,
      done: true,
      truth: 'Committed. etcd serves NEW; the API server is ready.',
    },
    {
      node: 'cp2',
      phase: Phase.PHASE_START_API,
      done: true,
      truth: 'Committed. etcd serves NEW; the API server is ready.',
    },
    {
      node: 'cp3',
      phase: Phase.PHASE_START_API,
      step: 'waiting for /readyz',
      failure: FAILURE,
      truth: 'Committed. etcd serves NEW; the API server’s manifest is in place and its container restarts.',
    },
  ],
});

export const OPERATIONS = [
  STRANDED_OPERATION,
  {
    ...RESTORED_OPERATION,
    operationId: 'r-20261121-231500-aa90fk',
    startedMs: BigInt(NOW_MS - 225 * MINUTE_MS),
    endedMs: BigInt(NOW_MS - 225 * MINUTE_MS + 16_800),
  },
];

export const REPORT = OperationReport.fromPartial({
  phases: [
    { phase: Phase.PHASE_INSPECT, durationMs: 412n },
    { phase: Phase.PHASE_PROMISE, durationMs: 120n },
    { phase: Phase.PHASE_STAGE, durationMs: 2_140n },
    { phase: Phase.PHASE_BUILD, durationMs: 4_800n },
    { phase: Phase.PHASE_FENCE, durationMs: 1_300n },
    { phase: Phase.PHASE_SWAP, durationMs: 90n },
    { phase: Phase.PHASE_START_ETCD, durationMs: 2_050n },
    { phase: Phase.PHASE_COMMIT, durationMs: 60n },
    { phase: Phase.PHASE_START_API, durationMs: 2_200n },
  ],
  downtimeMs: 5_700n,
  hashKv: '2147912981',
  hashRevision: 1_184_230n,
  newClusterId: 'a4f1d2c77b3e9051',
  consequences: CONSEQUENCES,
  advice: [
    'Rotate what the intruder may have read: service-account keys, tokens, secrets of the namespaces concerned.',
    'Restart clients of the API that cache.',
    'Keep the old store until the investigation ends; it is evidence.',
  ],
  kept: NODES.map((name) => ({ node: name, path: `/var/lib/.lockstep/${OPERATION_ID}/store` })),
});

export const VERDICTS = [
  SnapshotVerdict.create({ node: 'cp2', facts: FACTS }),
  SnapshotVerdict.create({
    node: 'cp3',
    refusals: [
      refusal(
        'SNAPSHOT_TRAILER_MISMATCH',
        'The last 32 bytes say 9f86…, the bytes before them 51a3….',
        'cp3',
      ),
    ],
  }),
];

export const HOSTILE_NODE = NodeStatus.fromPartial({
  node: 'cp1\u001b[2J\u001b[H',
  address: '10.0.0.1:7443\n\rall good',
  failure: { code: 'UNREACHABLE', message: 'line one\nline two\u0007' },
});
