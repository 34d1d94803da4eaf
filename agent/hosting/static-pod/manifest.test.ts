import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { readApiServerSettings } from '../api-server-settings.ts';
import { clientUrlOf, readEtcdSettings } from '../etcd-settings.ts';
import { hostPathOf, imageTag, type ManifestContainer, parseManifest } from './manifest.ts';

interface PodOptions {
  readonly command: readonly string[];
  readonly name?: string;
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly env?: { name: string; value: string }[];
  readonly mountPath?: string;
  readonly image?: string;
}

function pod({
  command,
  name = 'etcd',
  labels,
  namespace = 'kube-system',
  env,
  mountPath,
  image,
}: PodOptions): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { creationTimestamp: null, name, namespace, ...(labels === undefined ? {} : { labels }) },
    spec: {
      containers: [
        {
          name,
          image: image ?? 'registry.k8s.io/etcd:3.5.16-0',
          command,
          ...(env === undefined ? {} : { env }),
          volumeMounts: [{ mountPath: mountPath ?? '/var/lib/etcd', name: 'etcd-data' }],
        },
      ],
      volumes: [{ hostPath: { path: '/var/lib/etcd', type: 'DirectoryOrCreate' }, name: 'etcd-data' }],
    },
    status: {},
  });
}

function etcdOf(options: PodOptions): ReturnType<typeof readEtcdSettings> {
  const main = parseManifest(pod(options))?.main;
  if (main === undefined) throw new Error('no etcd container');
  return readEtcdSettings(main);
}

/** As kubeadm of each minor writes them; addresses are of the documentation range. */
const KUBEADM_FLAGS = {
  '3.4': ['--snapshot-count=10000'],
  '3.5': ['--experimental-initial-corrupt-check=true', '--experimental-watch-progress-notify-interval=5s'],
  '3.6': ['--feature-gates=InitialCorruptCheck=true', '--watch-progress-notify-interval=5s'],
  '3.7': ['--feature-gates=InitialCorruptCheck=true', '--watch-progress-notify-interval=5s'],
};

const COMMON = [
  'etcd',
  '--advertise-client-urls=https://192.0.2.11:2379',
  '--cert-file=/etc/kubernetes/pki/etcd/server.crt',
  '--client-cert-auth=true',
  '--data-dir=/var/lib/etcd',
  '--initial-advertise-peer-urls=https://192.0.2.11:2380',
  '--initial-cluster=cp1=https://192.0.2.11:2380,cp2=https://192.0.2.12:2380',
  '--listen-client-urls=https://127.0.0.1:2379,https://192.0.2.11:2379',
  '--listen-metrics-urls=http://127.0.0.1:2381',
  '--listen-peer-urls=https://192.0.2.11:2380',
  '--name=cp1',
];

describe("kubeadm's manifest of etcd", () => {
  test.each(Object.entries(KUBEADM_FLAGS))('of %s', (minor, extra) => {
    const settings = etcdOf({ command: [...COMMON, ...extra], labels: { component: 'etcd' } });
    expect(settings).toMatchObject({
      name: 'cp1',
      dataDir: '/var/lib/etcd',
      walDir: '',
      initialCorruptCheck: minor !== '3.4',
      forceNewCluster: false,
      quotaBytes: 2_147_483_648n,
      listenPeerUrls: ['https://192.0.2.11:2380'],
      unknowable: '',
    });
    expect(clientUrlOf(settings)).toBe('https://127.0.0.1:2379');
  });

  test('with the values as words of their own', () => {
    const command = ['etcd', '--name', 'cp1', '--data-dir', '/var/lib/etcd', '--client-cert-auth'];
    expect(etcdOf({ command })).toMatchObject({ name: 'cp1', dataDir: '/var/lib/etcd', unknowable: '' });
  });

  test('with flags in the environment, which a flag outdoes', () => {
    const env = [
      { name: 'ETCD_DATA_DIR', value: '/var/lib/etcd' },
      { name: 'ETCD_NAME', value: 'from-environment' },
    ];
    const settings = etcdOf({ command: ['etcd', '--name=from-flag'], env });
    expect(settings).toMatchObject({ name: 'from-flag', dataDir: '/var/lib/etcd' });
  });

  test.each([
    [['etcd', '--config-file=/etc/etcd.yaml', '--data-dir=/var/lib/etcd'], /config-file/],
    [['/bin/sh', '-c', 'exec etcd --data-dir=/var/lib/etcd'], /through/],
    [['etcd', '--name=cp1'], /no --data-dir/],
    [['etcd', '--data-dir=/elsewhere'], /hostPath/],
  ])('%j is not guessed at', (command, why) => {
    expect(etcdOf({ command, labels: { component: 'etcd' } }).unknowable).toMatch(why);
  });

  test.each([
    ['0', 2_147_483_648n],
    ['8589934592', 8_589_934_592n],
    ['-1', 0n],
  ])('a quota of %s is %s bytes', (quota, bytes) => {
    expect(etcdOf({ command: [...COMMON, `--quota-backend-bytes=${quota}`] }).quotaBytes).toBe(bytes);
  });

  test('maps the container’s paths to the host’s', () => {
    const settings = etcdOf({ command: ['etcd', '--data-dir=/data/default.etcd'], mountPath: '/data' });
    expect(settings.dataDir).toBe('/var/lib/etcd/default.etcd');
  });
});

describe('which component a manifest is', () => {
  test.each([
    [{ command: ['etcd'], labels: { component: 'etcd' } }, 'etcd'],
    [{ command: ['/usr/local/bin/etcd'] }, 'etcd'],
    [{ command: ['kube-apiserver'], name: 'api', labels: { component: 'kube-apiserver' } }, 'kube-apiserver'],
    // A label alone makes nothing an etcd.
    [{ command: ['kube-vip'], name: 'vip', labels: { component: 'etcd' } }, undefined],
    [{ command: ['etcd'], namespace: 'tenant-a' }, undefined],
    [{ command: ['kube-vip'], name: 'kube-vip' }, undefined],
  ] as [PodOptions, string | undefined][])('%j is %s', (options, component) => {
    expect(parseManifest(pod(options))?.component).toBe(component);
  });

  test.each(['', 'kind: Pod', '{', 'a: [b', 'kind: ConfigMap\nmetadata: {name: x}', '--- \n- 1'])(
    '%j is no pod',
    (text) => {
      expect(parseManifest(text)).toBeUndefined();
    },
  );

  test('an etcd in another namespace is still seen to run etcd', () => {
    expect(parseManifest(pod({ command: ['etcd'], namespace: 'tenant-a' }))?.runsEtcd).toBe(true);
  });
});

test("kubeadm's manifest of the API server", () => {
  const command = [
    'kube-apiserver',
    '--advertise-address=192.0.2.11',
    '--client-ca-file=/etc/kubernetes/pki/ca.crt',
    '--etcd-servers=https://127.0.0.1:2379',
    '--etcd-servers-overrides=/events#https://127.0.0.1:4002',
    '--secure-port=6443',
    '--service-account-key-file=/etc/kubernetes/pki/sa.pub',
    '--service-account-key-file=/etc/kubernetes/pki/sa-old.pub',
    '--encryption-provider-config=/etc/kubernetes/enc/config.yaml',
  ];
  const image = 'registry.k8s.io/kube-apiserver:v1.34.1@sha256:00ff';
  const main = parseManifest(pod({ command, name: 'kube-apiserver', image }))?.main;
  expect(readApiServerSettings(main as ManifestContainer)).toMatchObject({
    etcdServers: ['https://127.0.0.1:2379'],
    etcdServersOverrides: ['/events#https://127.0.0.1:4002'],
    etcdPrefix: '/registry',
    securePort: 6443,
    version: 'v1.34.1',
    serviceAccountKeyFiles: ['/etc/kubernetes/pki/sa.pub', '/etc/kubernetes/pki/sa-old.pub'],
    encryptionConfigFile: '/etc/kubernetes/enc/config.yaml',
  });
});

test('the longest mount of a path counts, and a name that only begins alike does not', () => {
  const container: ManifestContainer = {
    name: 'etcd',
    image: '',
    words: [],
    environment: new Map(),
    mounts: [
      { containerPath: '/var/lib', hostPath: '/host' },
      { containerPath: '/var/lib/etcd', hostPath: '/data/etcd' },
    ],
  };
  expect(hostPathOf(container, '/var/lib/etcd/member')).toBe('/data/etcd/member');
  expect(hostPathOf(container, '/var/lib/etcd2')).toBe('/host/etcd2');
  expect(hostPathOf(container, '/etc')).toBeUndefined();
});

test.each([
  ['registry.k8s.io/etcd:3.5.16-0', '3.5.16-0'],
  ['registry:5000/etcd', ''],
  ['etcd@sha256:00ff', ''],
])('the tag of %s is %s', (image, tag) => {
  expect(imageTag(image)).toBe(tag);
});
