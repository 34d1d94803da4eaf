import { builtIn, type Entry, objectMeta } from './entry.ts';
import type { Random } from './random.ts';

export interface ClusterOptions {
  /** The cluster's CA, PEM: every namespace has it in `kube-root-ca.crt`. */
  readonly caPem: string;
  readonly controlPlane: readonly { readonly name: string; readonly address: string }[];
  readonly workers: readonly string[];
  readonly kubernetesVersion: string;
}

const RBAC = 'rbac.authorization.k8s.io/v1';
const CLUSTER_ROLES = 60;

/** A namespace with what every namespace has. */
export function* namespace(random: Random, name: string, caPem: string): Generator<Entry> {
  yield builtIn('Namespace', objectMeta(random, { name, labels: { 'kubernetes.io/metadata.name': name } }), {
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  yield builtIn('ServiceAccount', objectMeta(random, { name: 'default', namespace: name }), {});
  yield builtIn(
    'ConfigMap',
    objectMeta(random, {
      name: 'kube-root-ca.crt',
      namespace: name,
      manager: 'kube-controller-manager',
      annotations: {
        'kubernetes.io/description': 'Contains a CA bundle that can be used to verify the kube-apiserver.',
      },
    }),
    { data: { 'ca.crt': caPem } },
  );
}

/** What kubeadm, the controllers and kubelets of other machines leave behind outside the teams' namespaces. */
export function* cluster(random: Random, options: ClusterOptions): Generator<Entry> {
  yield kubeadmConfig(random, options);
  for (const worker of options.workers) yield* workerNode(random, worker, options.kubernetesVersion);
  for (let index = 0; index < CLUSTER_ROLES; index += 1) yield* clusterRole(random, index);
  const admins = objectMeta(random, { name: 'kubeadm:cluster-admins', apiVersion: RBAC, manager: 'kubeadm' });
  yield builtIn('ClusterRoleBinding', admins, {
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'kubeadm:cluster-admins' }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  });
  const admin = objectMeta(random, { name: 'cluster-admin', apiVersion: RBAC, manager: 'kube-apiserver' });
  yield builtIn('ClusterRole', admin, {
    rules: [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
  });
}

function kubeadmConfig(random: Random, options: ClusterOptions): Entry {
  const endpoint = options.controlPlane[0]?.address ?? '127.0.0.1';
  const configuration = [
    'apiVersion: kubeadm.k8s.io/v1beta4',
    'kind: ClusterConfiguration',
    'clusterName: kubernetes',
    `controlPlaneEndpoint: ${endpoint}:6443`,
    `kubernetesVersion: ${options.kubernetesVersion}`,
    'certificatesDir: /etc/kubernetes/pki',
    'etcd:',
    '  local:',
    '    dataDir: /var/lib/etcd',
    'networking:',
    '  dnsDomain: cluster.local',
    '  podSubnet: 10.244.0.0/16',
    '  serviceSubnet: 10.96.0.0/12',
    '',
  ].join('\n');
  return builtIn(
    'ConfigMap',
    objectMeta(random, { name: 'kubeadm-config', namespace: 'kube-system', manager: 'kubeadm' }),
    { data: { ClusterConfiguration: configuration } },
  );
}

function* workerNode(random: Random, name: string, kubeletVersion: string): Generator<Entry> {
  const capacity = { cpu: { string: '16' }, memory: { string: '65842320Ki' }, pods: { string: '110' } };
  const metadata = objectMeta(random, {
    name,
    labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
    manager: 'kubelet',
  });
  const time = metadata.creationTimestamp;
  yield builtIn('Node', metadata, {
    spec: { podCIDR: `10.244.${random.integer(0, 255)}.0/24`, providerID: `example://${random.uuid()}` },
    status: {
      capacity,
      allocatable: capacity,
      conditions: ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => ({
        type,
        status: type === 'Ready' ? 'True' : 'False',
        lastHeartbeatTime: time,
        lastTransitionTime: time,
        reason: type === 'Ready' ? 'KubeletReady' : 'KubeletHasNoPressure',
        message: '',
      })),
      addresses: [
        { type: 'InternalIP', address: `10.0.1.${random.integer(1, 254)}` },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        machineID: random.hex(32),
        systemUUID: random.uuid(),
        bootID: random.uuid(),
        kernelVersion: '6.12.0',
        osImage: 'Debian GNU/Linux 13 (trixie)',
        containerRuntimeVersion: 'containerd://2.1.4',
        kubeletVersion,
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
      images: Array.from({ length: 25 }, () => ({
        names: [`registry.internal.example/app@sha256:${random.hex(64)}`],
        sizeBytes: BigInt(random.integer(1_000_000, 400_000_000)),
      })),
    },
  });
  yield builtIn(
    'Lease',
    objectMeta(random, {
      name,
      namespace: 'kube-node-lease',
      manager: 'kubelet',
      apiVersion: 'coordination.k8s.io/v1',
    }),
    { spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: time } },
  );
}

function* clusterRole(random: Random, index: number): Generator<Entry> {
  const name = `platform:role-${index}`;
  yield builtIn('ClusterRole', objectMeta(random, { name, apiVersion: RBAC }), {
    rules: Array.from({ length: random.integer(1, 12) }, () => ({
      verbs: ['get', 'list', 'watch'],
      apiGroups: [random.pick(['', 'apps', 'batch', 'networking.k8s.io', 'example.com'])],
      resources: [random.pick(['pods', 'deployments', 'jobs', 'ingresses', 'widgets', 'configmaps'])],
    })),
  });
  yield builtIn('ClusterRoleBinding', objectMeta(random, { name, apiVersion: RBAC }), {
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: `team-${index}` }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  });
}
