import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { NodeStatus } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { clean, fields, heading, type Layout } from './layout.ts';
import { failure } from './refusals.ts';
import { type Column, table } from './table.ts';
import { bytes, count, instant, plural } from './units.ts';

/** What a node is to etcd, in a word. */
function memberWord(report: NodeReport | undefined): string {
  const etcd = report?.etcd;
  if (isSetAside(report)) return 'set aside';
  if (etcd === undefined) return '-';
  if (!etcd.serving) return 'not serving';
  if (etcd.learner) return 'learner';
  return etcd.leader ? 'leader' : 'follower';
}

function apiWord(report: NodeReport | undefined): string {
  const api = report?.apiServer;
  if (isSetAside(report)) return '-';
  return api === undefined ? '-' : api.ready ? 'ready' : 'not ready';
}

/** Left out of a restore, and parked when it came back. */
function isSetAside(report: NodeReport | undefined): boolean {
  return report !== undefined && report.setAsideOperationId !== '';
}

const COLUMNS: readonly Column<NodeStatus>[] = [
  { title: 'NODE', value: ({ node }) => node },
  { title: 'ADDRESS', value: ({ address }) => address, dropAt: 2 },
  {
    title: 'AGENT',
    value: ({ report, failure }) => report?.agentVersion ?? failure?.code ?? 'unknown',
    tone: ({ report }) => (report === undefined ? 'red' : undefined),
  },
  {
    title: 'ETCD',
    value: ({ report }) => memberWord(report),
    tone: ({ report }) =>
      isSetAside(report) ? 'yellow' : report?.etcd !== undefined && !report.etcd.serving ? 'red' : undefined,
  },
  { title: 'VERSION', value: ({ report }) => report?.etcd?.version ?? '-', dropAt: 1 },
  {
    title: 'REVISION',
    value: ({ report }) => (report?.etcd === undefined ? '-' : count(report.etcd.revision)),
    align: 'right',
  },
  {
    title: 'API',
    value: ({ report }) => apiWord(report),
    tone: ({ report }) => (!isSetAside(report) && report?.apiServer?.ready === false ? 'red' : undefined),
  },
  { title: 'OPERATION', value: ({ report }) => report?.openOperationId || '-', dropAt: 3 },
  { title: 'HOSTING', value: ({ report }) => report?.hosting || '-', wide: true, dropAt: 5 },
  { title: 'KUBERNETES', value: ({ report }) => report?.apiServer?.version ?? '-', wide: true, dropAt: 4 },
  {
    title: 'DB',
    value: ({ report }) => (report?.etcd?.store === undefined ? '-' : bytes(report.etcd.store.dbSizeBytes)),
    align: 'right',
    wide: true,
    dropAt: 6,
  },
  { title: 'MEMBER', value: ({ report }) => report?.etcd?.memberId ?? '-', wide: true, dropAt: 7 },
];

export function nodeList(layout: Layout, nodes: readonly NodeStatus[]): string[] {
  const failed = nodes.flatMap(({ node, failure: why, report }) => [
    ...(why === undefined ? [] : [{ ...why, node: why.node || node }]),
    ...(report?.failures ?? []).map((one) => ({ ...one, node: one.node || node })),
  ]);
  return [
    ...table(layout, COLUMNS, nodes),
    ...failed.flatMap((one) => ['', ...failure(layout, one, layout.wide)]),
  ];
}

export function nodeDetails(layout: Layout, { node, address, report, failure: why }: NodeStatus): string[] {
  const title = heading(layout, clean(layout, `Node ${node}`));
  if (report === undefined) {
    return [
      title,
      ...fields(layout, [['Address', address]]),
      ...(why === undefined ? [] : ['', ...failure(layout, why)]),
    ];
  }
  const { etcd, apiServer, kubelet } = report;
  return [
    title,
    ...fields(layout, [
      ['Address', address],
      ['Agent', report.agentVersion],
      ['Hosting', report.hosting || 'runs no control plane'],
      ['Ledger', report.ledgerId],
      ['Clock', instant(report.clockMs)],
      ['Operation', report.openOperationId || 'none open'],
      [
        'Set aside',
        isSetAside(report)
          ? `by ${report.setAsideOperationId}: its control plane is parked, its OLD kept, until it re-joins`
          : '',
      ],
      [
        'Promised',
        report.promised === undefined
          ? ''
          : `epoch ${report.promised.number} to ${report.promised.coordinatorId}`,
      ],
    ]),
    ...(etcd === undefined
      ? []
      : [
          '',
          heading(layout, 'etcd'),
          ...fields(layout, [
            [
              'Member',
              `${etcd.name}${etcd.memberId === '' ? '' : ` (${etcd.memberId})`}, ${memberWord(report)}`,
            ],
            ['Version', etcd.version],
            ['Revision', count(etcd.revision)],
            ['Cluster id', etcd.clusterId],
            [
              'Data',
              etcd.dataDir +
                (etcd.store === undefined
                  ? ''
                  : `, ${bytes(etcd.store.dbSizeBytes)} on ${etcd.store.filesystem}`),
            ],
            ['WAL', etcd.walDir],
            ['Quota', etcd.quotaBytes === 0n ? '' : bytes(etcd.quotaBytes)],
            ['Clients', etcd.listenClientUrls.join(' ')],
            ['Alarms', etcd.alarms.join(' ')],
            ['Members', etcd.members.map(({ name, id }) => name || id).join(' ')],
          ]),
        ]),
    ...(apiServer === undefined
      ? []
      : [
          '',
          heading(layout, 'API server'),
          ...fields(layout, [
            ['Version', apiServer.version],
            ['State', apiServer.ready ? 'ready' : 'not ready'],
            ['Address', `${apiServer.advertiseAddress}:${apiServer.securePort}`],
            ['Prefix', apiServer.etcdPrefix],
            [
              'Encryption',
              apiServer.encryptionKeys
                .map(({ provider, keyName }) => (keyName === '' ? provider : `${provider} ${keyName}`))
                .join(', '),
            ],
          ]),
        ]),
    ...(kubelet === undefined
      ? []
      : [
          '',
          heading(layout, 'kubelet'),
          ...fields(layout, [
            ['Unit', `${kubelet.unit}, ${kubelet.active ? 'active' : 'not active'}`],
            ['Manifests', `${kubelet.staticPodPath}, ${plural(report.manifests.length, 'file')}`],
          ]),
        ]),
    ...(report.tools.length === 0 && report.disks.length === 0
      ? []
      : [
          '',
          heading(layout, 'Tools and space'),
          ...fields(layout, [
            ...report.tools.map((tool) => [tool.name, `${tool.version}  ${tool.path}`] as const),
            ...report.disks.map(
              (disk) =>
                [
                  disk.purpose,
                  `${bytes(disk.freeBytes)} free of ${bytes(disk.totalBytes)}  ${disk.path}`,
                ] as const,
            ),
          ]),
        ]),
    ...report.failures.flatMap((one) => ['', ...failure(layout, one)]),
  ];
}
