import type { Finding, FoundObject, Severity } from '../../findings/finding.ts';
import type { ArchiveSource, Report, StoreSource } from '../model.ts';
import { RevisionTimes } from '../revision-times.ts';
import { timelineOf } from '../timeline.ts';

const DAY_MS = 86_400_000;
const END_MS = Date.parse('2026-11-22T02:20:00.000Z');
const INTRUSION_MS = Date.parse('2026-11-22T02:04:10.000Z');
const FIRST_REVISION = 1000;
const INTRUSION_REVISION = 40_000;
const LAST_REVISION = 41_200;

/** Words that mean harm wherever they are shown as they are. */
export const HOSTILE =
  '<script>alert(1)</script>"\'`><img src=x onerror=alert(2)>\u202egpj.exe\u0000\u001b[2J\u200b';

function found(resource: string, namespace: string, name: string, field: string, value: string): FoundObject {
  return {
    key: `/registry/${resource}/${namespace}/${name}`,
    resource,
    namespace,
    name,
    standing: 'live',
    revision: INTRUSION_REVISION + 300,
    traits: [
      { field, value, standing: 'live', sinceRevision: INTRUSION_REVISION, author: { tool: '', at: '' } },
    ],
  };
}

function finding(
  id: string,
  severity: Severity,
  title: string,
  techniques: string[],
  subject: string,
  offsetMs: number,
  tool: string,
  objects: FoundObject[],
  words: { readonly why: string; readonly innocent: string },
): Finding {
  const sinceRevision = INTRUSION_REVISION + Math.round(offsetMs / 1000);
  return {
    id,
    title,
    techniques,
    severity,
    ...words,
    subject,
    objects,
    sinceRevision,
    author: { tool, at: tool === '' ? '' : new Date(INTRUSION_MS + offsetMs).toISOString() },
    check: `lockstep inspect get FILE ${objects[0]?.key ?? ''} --revision ${sinceRevision}`,
  };
}

const FINDINGS: Finding[] = [
  finding(
    'LS-T1098-cluster-admin',
    'critical',
    'A binding gives somebody everything',
    ['T1098', 'T1078.001'],
    'clusterrolebindings node-backup',
    4_000,
    'kubectl-create',
    [
      found(
        'clusterrolebindings.rbac.authorization.k8s.io',
        '',
        'node-backup',
        'roleRef.name',
        'cluster-admin, to serviceaccount kube-system/node-backup',
      ),
    ],
    {
      why: 'Whoever is bound to cluster-admin may do anything to anything, and may give it to others.',
      innocent: 'an operator bound an installer or a break-glass account on purpose, and it is on your list.',
    },
  ),
  finding(
    'LS-T1496-miner',
    'critical',
    'Pods that mine coins',
    ['T1496'],
    'daemonsets.apps kube-system/gpu-metrics',
    41_000,
    'kubectl-client-side-apply',
    [
      found(
        'daemonsets.apps',
        'kube-system',
        'gpu-metrics',
        'containers[xmrig].image',
        'docker.io/library/xmrig:6.22.2',
      ),
      ...['4x7kq', 'b82ml', 'zz91p'].map((suffix) =>
        found(
          'pods',
          'kube-system',
          `gpu-metrics-${suffix}`,
          'containers[xmrig].args',
          '--donate-level=1 -o pool.example:3333',
        ),
      ),
    ],
    {
      why: 'The image and its arguments are those of a miner: your machines earn for somebody else, and whoever put it there has more than this.',
      innocent: 'you mine coins yourselves.',
    },
  ),
  finding(
    'LS-T1528-token-secret',
    'high',
    'A token of a service account that does not expire',
    ['T1528', 'T1552.007'],
    'secrets kube-system/node-backup-token',
    6_000,
    'kubectl-create',
    [found('secrets', 'kube-system', 'node-backup-token', 'type', 'kubernetes.io/service-account-token')],
    {
      why: 'It opens the API until the secret is deleted, from anywhere, and leaves no sign of who uses it.',
      innocent: 'a tool outside the cluster needs it, and its owner knows of it.',
    },
  ),
  finding(
    'LS-T1070-events',
    'high',
    'Events were deleted before their time',
    ['T1070'],
    'events team-01: 34 of them within 2 s',
    95_000,
    '',
    [found('events', 'team-01', 'api-7d9.17b2', 'deleted', '34 events, revisions 40095 to 40128')],
    {
      why: 'Events expire by themselves after an hour; that somebody takes them away early hides what happened.',
      innocent: 'a namespace was deleted, and its events with it.',
    },
  ),
  finding(
    'LS-T1136-account',
    'medium',
    'A service account that was not there before',
    ['T1136'],
    'serviceaccounts kube-system/node-backup',
    1_000,
    'kubectl-create',
    [found('serviceaccounts', 'kube-system', 'node-backup', '', '')],
    {
      why: 'An account of their own is how intruders stay.',
      innocent: 'somebody installed something that day.',
    },
  ),
  finding(
    'LS-hostile',
    'low',
    HOSTILE,
    [HOSTILE],
    `configmaps team-02/${HOSTILE}`,
    -4 * DAY_MS,
    HOSTILE,
    [found(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
    { why: HOSTILE, innocent: HOSTILE },
  ),
];

function source(path: string, revision: number, lastMs: number): StoreSource {
  return {
    path,
    sizeBytes: 20_971_552,
    sha256: '5d41402abc4b2a76b9719d911017c592ae2c4d0f9a8b3d7e6f50c1b2a3948576',
    form: 'etcd',
    revision,
    compactRevision: 38_900,
    storageVersion: '3.6',
    members: ['cp1', 'cp2', 'cp3'],
    lastMs,
    notes: [],
  };
}

const ARCHIVE: ArchiveSource = {
  path: './incident-42/e-20261122-031500-7kq2ab-cp1.tar.zst',
  sizeBytes: 3_411_220,
  sha256: '9c1185a5c5e9fc54612808977ee8f548b2258d31aa0bd4f0f0a1b2c3d4e5f607',
  sealedBy: 'lockstep://prod/agent/cp1',
  sealJudged: true,
  problems: [],
  manifest: {
    format: 'lockstep.evidence/1',
    gatherId: 'e-20261122-031500-7kq2ab',
    cluster: 'prod',
    node: 'cp1',
    custody: {
      requestedBy: 'lockstep://prod/operator/ada',
      commandedBy: 'lockstep://prod/coordinator/bastion',
      gatheredBy: 'lockstep://prod/agent/cp1',
      reason: `INC-42 ${HOSTILE}`,
      operationId: '',
      startedAt: '2026-11-22T03:15:00.000Z',
      endedAt: '2026-11-22T03:15:12.000Z',
      toolVersion: '0.1.0',
    },
    limits: {},
    collectors: [
      {
        name: 'pod-logs',
        outcome: 'limited',
        reason: 'a limit keeps the last 67108864 of 90111222 bytes',
        startedAt: '2026-11-22T03:15:00.000Z',
        endedAt: '2026-11-22T03:15:12.000Z',
        files: 41,
        plainSizeBytes: 80_111_222,
        notTaken: 12,
      },
    ],
    files: [],
    notTaken: [],
    notTakenUnlisted: 12,
  },
  accounts: {
    staticPodsWithoutManifest: ['kube-system/kube-proxy-helper-cp1'],
    manifests: [
      { path: '/etc/kubernetes/manifests/etcd.yaml', pod: 'kube-system/etcd', sha256: 'aa'.repeat(32) },
      { path: `/etc/kubernetes/manifests/${HOSTILE}`, pod: '', sha256: 'bb'.repeat(32) },
    ],
    listeners: [
      { at: 'tcp 0.0.0.0:2379', process: 'etcd', executable: '/usr/local/bin/etcd' },
      { at: 'tcp 0.0.0.0:4444', process: HOSTILE, executable: '/tmp/.x (deleted)' },
    ],
    kubeconfigs: [],
    certificates: [],
    serviceAccountKeys: [],
    encryptionKeys: [],
    sshKeys: [],
  },
};

function timeline(findings: readonly Finding[]): Report['timeline'] {
  const anchors = [
    { revision: FIRST_REVISION, timeMs: END_MS - 21 * DAY_MS },
    { revision: INTRUSION_REVISION, timeMs: INTRUSION_MS },
    { revision: LAST_REVISION, timeMs: END_MS },
  ];
  const revisions: number[] = [];
  const operations: ('created' | 'changed' | 'deleted')[] = [];
  for (let revision = FIRST_REVISION; revision <= LAST_REVISION; revision += 1) {
    const wave = Math.sin(revision / 900) + Math.sin(revision / 70);
    if (revision % 7 > 2 + wave && revision < INTRUSION_REVISION) continue;
    revisions.push(revision);
    const inBurst = revision > INTRUSION_REVISION + 90 && revision < INTRUSION_REVISION + 130;
    operations.push(
      inBurst ? 'deleted' : revision % 11 === 0 ? 'created' : revision % 37 === 0 ? 'deleted' : 'changed',
    );
  }
  return timelineOf({ times: new RevisionTimes(anchors), revisions, operations }, findings, {
    baselineMs: INTRUSION_MS - 300_000,
    compactRevision: 38_900,
  });
}

/** A report as an intrusion makes it, with hostile words in every place that takes any. */
export function sampleReport(): Report {
  return {
    madeAtMs: Date.parse('2026-11-22T08:30:00.000Z'),
    toolVersion: '0.1.0',
    cluster: 'prod',
    store: source('./s-20261122-022000-x4mz1c.db', LAST_REVISION, END_MS),
    baseline: source('./s-20261122-015900-7kq2ab.db', INTRUSION_REVISION - 10, INTRUSION_MS - 300_000),
    archives: [ARCHIVE],
    timeline: timeline(FINDINGS),
    findings: FINDINGS,
    difference: {
      added: 7,
      removed: 34,
      changed: 2,
      folded: 51,
      notShown: 33,
      byResource: [
        { resource: 'events', added: 0, removed: 34, changed: 0 },
        { resource: 'pods', added: 3, removed: 0, changed: 0 },
        { resource: 'secrets', added: 1, removed: 0, changed: 2 },
        { resource: HOSTILE, added: 3, removed: 0, changed: 0 },
      ],
      objects: [
        {
          key: '/registry/secrets/team-01/credentials-0',
          resource: 'secrets',
          namespace: 'team-01',
          name: 'credentials-0',
          change: 'changed',
          kind: 'Secret',
          beforeRevision: 3_100,
          afterRevision: 40_150,
          fields: [
            { path: 'data.password', before: '(secret 3f9a0c1d22ab)', after: '(secret 77e01a9bd0c4)' },
          ],
          foldedFields: 3,
          undecoded: '',
        },
        {
          key: '/registry/pods/kube-system/gpu-metrics-4x7kq',
          resource: 'pods',
          namespace: 'kube-system',
          name: 'gpu-metrics-4x7kq',
          change: 'added',
          kind: 'Pod',
          afterRevision: 40_050,
          fields: [],
          foldedFields: 0,
          undecoded: '',
        },
        {
          key: HOSTILE,
          resource: HOSTILE,
          namespace: HOSTILE,
          name: HOSTILE,
          change: 'added',
          kind: HOSTILE,
          fields: [{ path: HOSTILE, before: { [HOSTILE]: HOSTILE }, after: HOSTILE }],
          foldedFields: 0,
          undecoded: HOSTILE,
        },
      ],
    },
    rotations: [
      {
        title: 'Service account tokens kept as secrets',
        urgency: 'now',
        why: 'Such a token opens the API until its secret is deleted. After a restore, one that was deleted since lives again.',
        how: 'Delete the secret, or the service account where nobody knows it; workloads get short-lived tokens by themselves.',
        check: 'lockstep inspect keys FILE --resource secrets',
        items: [
          { name: 'team-01/ci', detail: 'of service account ci; it does not expire', found: false },
          {
            name: 'kube-system/node-backup-token',
            detail: 'of service account node-backup; it does not expire',
            found: true,
          },
          { name: HOSTILE, detail: HOSTILE, found: false },
        ],
      },
      {
        title: 'Keys of encryption at rest',
        urgency: 'soon',
        why: 'They open every snapshot that was ever taken under them.',
        how: 'Put a new key first, restart the API servers, rewrite all secrets, then take the old one off.',
        check: 'lockstep evidence show ARCHIVE',
        items: [
          {
            name: 'cp1:/etc/kubernetes/enc.yaml',
            detail: 'aescbc key1, sha256 0f1e2d3c4b5a6978…',
            found: false,
          },
        ],
      },
    ],
    outside: [
      {
        kind: 'volume',
        subject: 'persistentvolumes pvc-51c1',
        where: 'csi ebs.csi.aws.com vol-0a1b2c3d4e5f',
        usedBy: 'team-01/data-db-0',
        note: 'Bound, on release: Delete',
      },
      {
        kind: 'path on a node',
        subject: '/',
        where: 'hostPath /',
        usedBy: 'DaemonSet kube-system/gpu-metrics',
        note: HOSTILE,
      },
    ],
    unread: ['12 secrets are encrypted (aescbc key1): give the keys with --encryption-config.'],
  };
}
