import type { Authorship } from '../../analysis/authorship.ts';
import type { ObjectDiff } from '../../analysis/diff/object-diff.ts';
import type { KeyEntry, ResourceSummary } from '../../analysis/keys.ts';
import type { Fact } from '../../analysis/timeline/fact.ts';
import type { Version } from '../../analysis/versions.ts';
import { diffHead, diffLines, diffTail } from '../render/inspect/diff.ts';
import { exportPage } from '../render/inspect/export.ts';
import { historyPage } from '../render/inspect/history.ts';
import { keyLine, keysHead, keysTail, resourceTable } from '../render/inspect/keys.ts';
import { factLine, timelineHead, timelineTail } from '../render/inspect/timeline.ts';
import type { Layout } from '../render/layout.ts';

const HEAD = { file: 'backup.db', revision: 184_223 };
const HOSTILE = 'gpu\u001b[31m-metrics\u202e\n';

function at(time: string): number {
  return Date.parse(`2026-11-22T${time}Z`);
}

function author(tool: string, time: string | undefined, part: Partial<Authorship> = {}): Authorship {
  return {
    tool,
    operation: tool === '' ? '' : 'Update',
    subresource: '',
    basis: tool === '' ? 'unknown' : 'changed',
    stamp: time === undefined ? undefined : { timeMs: at(time), source: 'managedFields' },
    ...part,
  };
}

function key(text: string, part: Partial<KeyEntry> = {}): KeyEntry {
  return {
    key: text,
    resource: 'pods',
    namespace: 'kube-system',
    name: text,
    storedAs: 'protobuf',
    kind: 'Pod',
    encryption: '',
    revision: 184_100,
    createRevision: 184_100,
    version: 1,
    sizeBytes: 3_210,
    lease: '',
    ...part,
  };
}

const KEYS: readonly KeyEntry[] = [
  key('/registry/pods/kube-system/etcd-cp1'),
  key('/registry/secrets/team-01/db', {
    storedAs: 'encrypted',
    kind: '',
    encryption: 'aescbc key1',
    sizeBytes: 612,
  }),
  key(`/registry/pods/kube-system/${HOSTILE}`, { revision: 184_223 }),
  key('compact_rev_key', { storedAs: 'opaque', kind: '', sizeBytes: 6 }),
  key(`/registry/platform.example.com/pipelines/team-01/${'very-long-'.repeat(30)}`, {
    kind: 'PipelineOfManyWordsInItsKind',
    sizeBytes: 1_400_000,
  }),
];

const RESOURCES: readonly ResourceSummary[] = [
  { resource: 'configmaps', count: 549, sizeBytes: 21_400_000, encrypted: 0, newestRevision: 184_222 },
  { resource: 'secrets', count: 192, sizeBytes: 447_000, encrypted: 191, newestRevision: 184_201 },
  {
    resource: 'pipelines.platform.example.com',
    count: 128,
    sizeBytes: 1_032_000,
    encrypted: 128,
    newestRevision: 9,
  },
  { resource: '', count: 1, sizeBytes: 6, encrypted: 0, newestRevision: 184_000 },
];

const NEIGHBOURS = {
  after: { revision: 184_219, timeMs: at('10:41:00') },
  before: { revision: 184_222, timeMs: at('10:41:20') },
};

const VERSIONS: readonly Version[] = [
  {
    revision: 183_004,
    sub: 0,
    operation: 'kept',
    version: 3,
    createRevision: 181_000,
    lease: '',
    sizeBytes: 812,
    carvedPage: 1_204,
    missing: 2,
    foldedFields: 0,
    authorship: author('kube-controller-manager', '09:12:30', { basis: 'newest' }),
    undecoded: '',
  },
  {
    revision: 184_201,
    sub: 0,
    operation: 'changed',
    version: 4,
    createRevision: 181_000,
    lease: '32699a2b6c1f0d05',
    sizeBytes: 830,
    missing: 0,
    foldedFields: 2,
    authorship: author('kubectl-edit', '10:40:12'),
    changes: [
      { path: 'data.password', before: '(secret 3f9a0c1d22ab)', after: '(secret 15f9aad5b4ff)' },
      { path: 'metadata.labels.app', before: 'db' },
      { path: 'metadata.annotations["example.com/why"]', after: HOSTILE.repeat(20) },
    ],
    undecoded: '',
  },
  {
    revision: 184_220,
    sub: 0,
    operation: 'deleted',
    version: 0,
    createRevision: 0,
    lease: '',
    sizeBytes: 0,
    missing: 0,
    foldedFields: 0,
    authorship: author('', undefined),
    interval: NEIGHBOURS,
    undecoded: '',
  },
];

const DIFF_HEAD = {
  before: { file: 'monday.db', revision: 170_001 },
  after: HEAD,
  added: 1,
  removed: 1,
  changed: 1,
  folded: { 'leases.coordination.k8s.io': 12, nodes: 8 },
};

const DIFFS: readonly ObjectDiff[] = [
  {
    key: '',
    resource: 'daemonsets.apps',
    namespace: 'kube-system',
    name: HOSTILE,
    change: 'added',
    kind: 'DaemonSet',
    afterRevision: 184_210,
    authorship: author('kubectl-create', '10:40:50', { basis: 'created' }),
    fields: [],
    foldedFields: 0,
    undecoded: '',
  },
  {
    key: '',
    resource: 'events',
    namespace: 'team-01',
    name: 'api.17a2',
    change: 'removed',
    kind: 'Event',
    beforeRevision: 169_400,
    fields: [],
    foldedFields: 0,
    undecoded: '',
  },
  {
    key: '',
    resource: 'deployments.apps',
    namespace: 'team-01',
    name: 'api',
    change: 'changed',
    kind: 'Deployment',
    beforeRevision: 160_002,
    afterRevision: 184_215,
    authorship: author('kubectl-scale', '10:41:00', { subresource: 'scale' }),
    fields: [
      { path: 'spec.replicas', before: 2, after: 0 },
      { path: 'spec.template.spec.containers[name=miner]', after: { name: 'miner', image: 'xmrig:6.22.2' } },
    ],
    foldedFields: 3,
    undecoded: '',
  },
];

function fact(part: Partial<Fact>): Fact {
  return {
    what: 'created',
    source: 'row',
    revision: 184_210,
    key: '',
    resource: 'daemonsets.apps',
    namespace: 'kube-system',
    name: 'gpu-metrics',
    tool: '',
    operation: '',
    user: '',
    detail: '',
    file: 'backup.db',
    ...part,
  };
}

const FACTS: readonly Fact[] = [
  fact({ timeMs: at('10:40:50'), tool: 'kubectl-create', operation: 'Update' }),
  fact({
    timeMs: at('10:40:51'),
    what: 'event',
    source: 'event',
    resource: 'events',
    namespace: 'team-01',
    name: 'api.17a2',
    tool: 'kubelet',
    detail: `Pod team-01/api; Killing: Stopping container ${HOSTILE}; 3 times`,
  }),
  fact({
    what: 'deleted',
    source: 'tombstone',
    revision: 184_220,
    resource: 'events',
    namespace: 'team-01',
    name: 'api.17a2',
    interval: NEIGHBOURS,
  }),
  fact({
    timeMs: at('10:41:10'),
    resource: 'certificatesigningrequests.certificates.k8s.io',
    namespace: '',
    name: 'csr-x7',
    user: 'system:serviceaccount:kube-system:node-backup',
  }),
  fact({
    timeMs: at('10:41:12'),
    what: 'changed',
    source: 'managedFields',
    revision: 0,
    tool: 'helm',
    operation: 'Apply',
    detail: 'spec.template, metadata.labels',
  }),
];

const TIMELINE = { files: ['backup.db'], facts: 5, heartbeats: 3_120 };

export const PAGES: Record<string, (layout: Layout) => readonly string[]> = {
  'inspect-keys': (layout) => [
    ...keysHead(layout),
    ...KEYS.flatMap((entry) => keyLine(layout, entry)),
    ...keysTail(layout, HEAD, { count: KEYS.length, sizeBytes: 1_407_038 }),
  ],
  'inspect-keys-summary': (layout) => resourceTable(layout, HEAD, RESOURCES),
  'inspect-history': (layout) =>
    historyPage(layout, {
      key: '/registry/secrets/team-01/db',
      compactRevision: 184_000,
      versions: VERSIONS,
    }),
  'inspect-diff': (layout) => [
    ...diffHead(layout, DIFF_HEAD),
    ...DIFFS.flatMap((diff) => diffLines(layout, diff)),
    ...diffTail(layout, DIFF_HEAD),
  ],
  'inspect-timeline': (layout) => [
    ...timelineHead(layout, TIMELINE),
    ...FACTS.flatMap((one) => factLine(layout, one)),
    ...timelineTail(layout, TIMELINE),
  ],
  'inspect-export': (layout) =>
    exportPage(layout, {
      directory: './objects',
      files: 1_573,
      format: 'yaml',
      secrets: true,
      objects: 1_572,
      leftOut: { 'made by nodes and controllers': 592, 'made by its controller': 612 },
      source: { ...HEAD, sizeBytes: 28_373_024, sha256: '51b5adf0'.repeat(8) },
    }),
};
