import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { describe, expect, it } from 'vitest';
import { planned, type Reported, report, type Scene } from '../testing/plan-scene.ts';

const UNIT = NodeReport.fromPartial({ etcdUnit: { unit: 'etcd.service' } }).etcdUnit;

/** A member on a host of its own. */
function etcdHost(n: number): Reported {
  const { manifests, ...rest } = report(n);
  return {
    ...rest,
    apiServer: undefined,
    manifests: manifests.filter(({ component }) => component === 'etcd'),
  };
}

/** An API server that is told of members elsewhere. */
function apiHost(n: number, etcdServers: string[]): Reported {
  const { apiServer, manifests, ...rest } = report(n);
  if (apiServer === undefined) throw new Error('no API server');
  return {
    ...rest,
    etcd: undefined,
    apiServer: { ...apiServer, etcdServers },
    manifests: manifests.filter(({ component }) => component !== 'etcd'),
  };
}

/** What is said of hosting and manifests, where members and API servers have hosts of their own. */
function objections(change: (scene: Scene) => unknown): string[] {
  return plannedApart(change)
    .refusals.filter(({ code }) => /^(HOSTING|MANIFEST|WAL_DIR|FORCE)/.test(code))
    .map(({ code, node }) => `${code} ${node}`);
}

function plannedApart(change: (scene: Scene) => unknown = () => undefined): ReturnType<typeof planned> {
  return planned((scene) => {
    const servers = [1, 2, 3].map((n) => `https://10.0.0.${n}:2379`);
    scene.reports = [
      etcdHost(1),
      etcdHost(2),
      etcdHost(3),
      apiHost(4, servers),
      apiHost(5, servers.slice(0, 1)),
    ];
    change(scene);
  });
}

const told =
  (...etcdServers: string[]) =>
  (scene: Scene): unknown =>
    scene.reports.splice(4, 1, apiHost(5, etcdServers));
const set =
  (n: number, change: object) =>
  (scene: Scene): unknown =>
    Object.assign(scene.reports[n - 1] ?? {}, change);
const etcdOf = (scene: Scene, n: number): object => scene.reports[n - 1]?.etcd ?? {};

describe('members and API servers on hosts of their own', () => {
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['are a control plane', () => undefined, []],
    [
      'may be told of each other by any name that the member has',
      (s) => {
        Object.assign(etcdOf(s, 1), { listenClientUrls: ['https://etcd1.lab:2379'] });
        told('https://etcd1.lab:2379')(s);
      },
      [],
    ],
    [
      'need a member of the plan in every place',
      told('https://10.0.0.1:2379', 'https://10.0.0.9:2379'),
      ['HOSTING_UNSUPPORTED cp5'],
    ],
    ['need a member at all', told(), ['HOSTING_UNSUPPORTED cp5']],
    ...['127.0.0.1', 'localhost', '[::1]'].map((host): [string, (scene: Scene) => unknown, string[]] => [
      `are not told of by ${host}, which reaches nobody else`,
      (s) => {
        Object.assign(etcdOf(s, 1), { listenClientUrls: [`https://${host}:2379`] });
        told(`https://${host}:2379`)(s);
      },
      ['HOSTING_UNSUPPORTED cp5'],
    ]),
    [
      'are not told of by what names no host',
      (s) => {
        Object.assign(etcdOf(s, 1), { listenClientUrls: ['unix:///run/etcd.sock'] });
        told('unix:///run/etcd.sock')(s);
      },
      ['HOSTING_UNSUPPORTED cp5'],
    ],
    [
      'need somebody who is told of each member',
      (s) => {
        for (const n of [4, 5])
          s.reports.splice(n - 1, 1, apiHost(n, ['https://10.0.0.1:2379', 'https://10.0.0.2:2379']));
      },
      ['HOSTING_UNSUPPORTED cp3'],
    ],
    [
      'which one beside a member of its own is not',
      (s) => {
        s.reports.splice(3, 2, { ...report(4), etcd: { ...report(4).etcd, clusterId: 'old' } as never });
        Object.assign(s.reports[3]?.apiServer ?? {}, {
          etcdServers: ['https://10.0.0.1:2379', 'https://10.0.0.2:2379', 'https://10.0.0.3:2379'],
        });
      },
      ['HOSTING_UNSUPPORTED cp1', 'HOSTING_UNSUPPORTED cp2', 'HOSTING_UNSUPPORTED cp3'],
    ],
    ['may be a unit of systemd', set(1, { hosting: 'systemd', etcdUnit: UNIT, manifests: [] }), []],
    ['that is known', set(1, { hosting: 'systemd', manifests: [] }), ['HOSTING_UNSUPPORTED cp1']],
    ['and nothing else', set(1, { hosting: 'docker', etcdUnit: UNIT }), ['HOSTING_UNSUPPORTED cp1']],
    [
      'without a flag that makes a cluster of one',
      (s) => Object.assign(etcdOf(s, 1), { forceNewCluster: true }),
      ['FORCE_NEW_CLUSTER cp1'],
    ],
    [
      'with the log beside the store',
      (s) => Object.assign(etcdOf(s, 1), { walDir: '/wal' }),
      ['WAL_DIR_UNSUPPORTED cp1'],
    ],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });
});

it('an API server’s host is planned without a member, and needs no room for one', () => {
  const { nodes } = plannedApart().plan;
  const found = nodes.map(({ node, etcd, neededBytes }) => [node, etcd !== undefined, neededBytes > 0n]);
  expect(found.toSorted(([a], [b]) => String(a).localeCompare(String(b)))).toEqual([
    ['cp1', true, true],
    ['cp2', true, true],
    ['cp3', true, true],
    ['cp4', false, false],
    ['cp5', false, false],
  ]);
});

describe('the manifests', () => {
  it.each<[string, (scene: Scene) => unknown, string[]]>([
    ['of a member’s host are etcd’s alone', set(1, { manifests: [] }), ['MANIFEST_MISSING cp1']],
    [
      'of one that has another part of the control plane are all of them',
      set(1, { manifests: report(1).manifests.filter(({ component }) => component !== 'kube-apiserver') }),
      ['MANIFEST_MISSING cp1'],
    ],
    [
      'of a node that has lost all but etcd’s and runs an API server are all of them',
      set(1, { apiServer: report(1).apiServer }),
      Array.from({ length: 3 }, () => 'MANIFEST_MISSING cp1'),
    ],
    [
      'of an API server’s host are all but etcd’s',
      set(4, { manifests: [] }),
      Array.from({ length: 3 }, () => 'MANIFEST_MISSING cp4'),
    ],
    [
      'hold no etcd where a unit is one',
      set(1, { hosting: 'systemd', etcdUnit: UNIT }),
      ['MANIFEST_SECOND_ETCD cp1'],
    ],
    ['hold one where the unit is nobody’s', set(1, { etcdUnit: UNIT }), []],
    ['hold one where there is no unit', set(1, { hosting: 'systemd' }), ['HOSTING_UNSUPPORTED cp1']],
  ])('%s', (_what, change, expected) => {
    expect(objections(change)).toEqual(expected);
  });
});
