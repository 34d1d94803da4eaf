import { stringify } from 'yaml';

/** What the manifests of one control-plane node are made of. */
export interface ManifestInput {
  readonly node: string;
  readonly address: string;
  /** `3.5.16` */
  readonly etcdVersion: string;
  /** `v1.34.1` */
  readonly kubernetesVersion: string;
  /** As kubeadm had it when this node joined: the nodes so far, in their order, this one last. */
  readonly initialCluster: readonly { readonly name: string; readonly address: string }[];
  /** What the API server is told of; the member beside it where left out. */
  readonly etcdServers?: readonly string[];
  /** The API server encrypts what it stores by /etc/kubernetes/encryption/config.yaml. */
  readonly encryption: boolean;
}

export type ManifestName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

interface Volume {
  readonly name: string;
  readonly path: string;
  readonly type: 'DirectoryOrCreate' | 'FileOrCreate' | 'Directory';
  readonly readOnly: boolean;
}

interface PodInput {
  readonly name: ManifestName;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly image: string;
  readonly command: readonly string[];
  readonly cpu: string;
  readonly memory?: string;
  readonly probes: object;
  readonly volumes: readonly Volume[];
}

const REGISTRY = 'registry.k8s.io';
const PKI = '/etc/kubernetes/pki';
const CA_CERTS: Volume = {
  name: 'ca-certs',
  path: '/etc/ssl/certs',
  type: 'DirectoryOrCreate',
  readOnly: true,
};
const K8S_CERTS: Volume = { name: 'k8s-certs', path: PKI, type: 'DirectoryOrCreate', readOnly: true };

/**
 * kubeadm's four static pods. The one difference: everything listens on the node's own address, where
 * kubeadm also uses 127.0.0.1, because the lab's nodes share one loopback.
 */
export function manifests(input: ManifestInput): Record<ManifestName, string> {
  return {
    etcd: etcdManifest(input),
    'kube-apiserver': apiServerManifest(input),
    'kube-controller-manager': controllerManagerManifest(input),
    'kube-scheduler': schedulerManifest(input),
  };
}

export function etcdCommand(input: ManifestInput): string[] {
  const { node, address, etcdVersion, initialCluster } = input;
  const minor = Number(etcdVersion.split('.')[1]);
  const flags: Record<string, string> = {
    'advertise-client-urls': `https://${address}:2379`,
    'cert-file': `${PKI}/etcd/server.crt`,
    'client-cert-auth': 'true',
    'data-dir': '/var/lib/etcd',
    ...(minor >= 6
      ? { 'feature-gates': 'InitialCorruptCheck=true', 'watch-progress-notify-interval': '5s' }
      : { 'experimental-initial-corrupt-check': 'true' }),
    ...(minor === 5 ? { 'experimental-watch-progress-notify-interval': '5s' } : {}),
    'initial-advertise-peer-urls': `https://${address}:2380`,
    'initial-cluster': initialCluster
      .map((member) => `${member.name}=https://${member.address}:2380`)
      .join(','),
    ...(initialCluster.length > 1 ? { 'initial-cluster-state': 'existing' } : {}),
    'key-file': `${PKI}/etcd/server.key`,
    'listen-client-urls': `https://${address}:2379`,
    'listen-metrics-urls': `http://${address}:2381`,
    'listen-peer-urls': `https://${address}:2380`,
    name: node,
    'peer-cert-file': `${PKI}/etcd/peer.crt`,
    'peer-client-cert-auth': 'true',
    'peer-key-file': `${PKI}/etcd/peer.key`,
    'peer-trusted-ca-file': `${PKI}/etcd/ca.crt`,
    'snapshot-count': '10000',
    'trusted-ca-file': `${PKI}/etcd/ca.crt`,
  };
  return ['etcd', ...flagWords(flags)];
}

function etcdManifest(input: ManifestInput): string {
  const { address, etcdVersion } = input;
  const probe = (path: string): object => ({ host: address, path, port: 2381, scheme: 'HTTP' });
  return pod({
    name: 'etcd',
    annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': `https://${address}:2379` },
    image: `${REGISTRY}/etcd:${etcdVersion}-0`,
    command: etcdCommand(input),
    cpu: '100m',
    memory: '100Mi',
    probes: {
      livenessProbe: httpProbe(probe('/livez'), { failureThreshold: 8, initialDelaySeconds: 10 }),
      readinessProbe: httpProbe(probe('/readyz'), { failureThreshold: 3, periodSeconds: 1 }),
      startupProbe: httpProbe(probe('/readyz'), { failureThreshold: 24, initialDelaySeconds: 10 }),
    },
    volumes: [
      { name: 'etcd-data', path: '/var/lib/etcd', type: 'DirectoryOrCreate', readOnly: false },
      { name: 'etcd-certs', path: `${PKI}/etcd`, type: 'DirectoryOrCreate', readOnly: false },
    ],
  });
}

function apiServerManifest(input: ManifestInput): string {
  const { address, kubernetesVersion, encryption, etcdServers = [`https://${address}:2379`] } = input;
  const flags: Record<string, string> = {
    'advertise-address': address,
    'allow-privileged': 'true',
    'authorization-mode': 'Node,RBAC',
    'client-ca-file': `${PKI}/ca.crt`,
    'enable-admission-plugins': 'NodeRestriction',
    'enable-bootstrap-token-auth': 'true',
    ...(encryption ? { 'encryption-provider-config': '/etc/kubernetes/encryption/config.yaml' } : {}),
    'etcd-cafile': `${PKI}/etcd/ca.crt`,
    'etcd-certfile': `${PKI}/apiserver-etcd-client.crt`,
    'etcd-keyfile': `${PKI}/apiserver-etcd-client.key`,
    'etcd-servers': etcdServers.join(','),
    'kubelet-client-certificate': `${PKI}/apiserver-kubelet-client.crt`,
    'kubelet-client-key': `${PKI}/apiserver-kubelet-client.key`,
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
    'proxy-client-cert-file': `${PKI}/front-proxy-client.crt`,
    'proxy-client-key-file': `${PKI}/front-proxy-client.key`,
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-client-ca-file': `${PKI}/front-proxy-ca.crt`,
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'secure-port': '6443',
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-key-file': `${PKI}/sa.pub`,
    'service-account-signing-key-file': `${PKI}/sa.key`,
    'service-cluster-ip-range': '10.96.0.0/12',
    'tls-cert-file': `${PKI}/apiserver.crt`,
    'tls-private-key-file': `${PKI}/apiserver.key`,
  };
  const probe = (path: string): object => ({ host: address, path, port: 6443, scheme: 'HTTPS' });
  const encryptionVolume: Volume = {
    name: 'encryption',
    path: '/etc/kubernetes/encryption',
    type: 'Directory',
    readOnly: true,
  };
  return pod({
    name: 'kube-apiserver',
    annotations: { 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': `${address}:6443` },
    image: `${REGISTRY}/kube-apiserver:${kubernetesVersion}`,
    command: ['kube-apiserver', ...flagWords(flags)],
    cpu: '250m',
    probes: {
      livenessProbe: httpProbe(probe('/livez'), { failureThreshold: 8, initialDelaySeconds: 10 }),
      readinessProbe: httpProbe(probe('/readyz'), { failureThreshold: 3, periodSeconds: 1 }),
      startupProbe: httpProbe(probe('/livez'), { failureThreshold: 24, initialDelaySeconds: 10 }),
    },
    volumes: [CA_CERTS, K8S_CERTS, ...(encryption ? [encryptionVolume] : [])],
  });
}

function controllerManagerManifest({ kubernetesVersion }: ManifestInput): string {
  const conf = '/etc/kubernetes/controller-manager.conf';
  const flags = {
    'allocate-node-cidrs': 'true',
    'authentication-kubeconfig': conf,
    'authorization-kubeconfig': conf,
    'bind-address': '127.0.0.1',
    'client-ca-file': `${PKI}/ca.crt`,
    'cluster-cidr': '10.244.0.0/16',
    'cluster-name': 'kubernetes',
    'cluster-signing-cert-file': `${PKI}/ca.crt`,
    'cluster-signing-key-file': `${PKI}/ca.key`,
    controllers: '*,bootstrapsigner,tokencleaner',
    kubeconfig: conf,
    'leader-elect': 'true',
    'requestheader-client-ca-file': `${PKI}/front-proxy-ca.crt`,
    'root-ca-file': `${PKI}/ca.crt`,
    'service-account-private-key-file': `${PKI}/sa.key`,
    'service-cluster-ip-range': '10.96.0.0/12',
    'use-service-account-credentials': 'true',
  };
  return pod({
    name: 'kube-controller-manager',
    image: `${REGISTRY}/kube-controller-manager:${kubernetesVersion}`,
    command: ['kube-controller-manager', ...flagWords(flags)],
    cpu: '200m',
    probes: localProbes('/healthz', 10257),
    volumes: [CA_CERTS, K8S_CERTS, { name: 'kubeconfig', path: conf, type: 'FileOrCreate', readOnly: true }],
  });
}

function schedulerManifest({ kubernetesVersion }: ManifestInput): string {
  const conf = '/etc/kubernetes/scheduler.conf';
  const flags = {
    'authentication-kubeconfig': conf,
    'authorization-kubeconfig': conf,
    'bind-address': '127.0.0.1',
    kubeconfig: conf,
    'leader-elect': 'true',
  };
  return pod({
    name: 'kube-scheduler',
    image: `${REGISTRY}/kube-scheduler:${kubernetesVersion}`,
    command: ['kube-scheduler', ...flagWords(flags)],
    cpu: '100m',
    probes: localProbes('/livez', 10259),
    volumes: [{ name: 'kubeconfig', path: conf, type: 'FileOrCreate', readOnly: true }],
  });
}

/** A static pod that is none of ours, as one for a virtual address would be. */
export function foreignManifest(name: string, image: string, command: readonly string[]): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system' },
    spec: { hostNetwork: true, containers: [{ name, image, command: [...command] }] },
  });
}

function pod({ name, annotations, image, command, cpu, memory, probes, volumes }: PodInput): string {
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...(annotations === undefined ? {} : { annotations }),
        creationTimestamp: null,
        labels: { component: name, tier: 'control-plane' },
        name,
        namespace: 'kube-system',
      },
      spec: {
        containers: [
          {
            command,
            image,
            imagePullPolicy: 'IfNotPresent',
            ...probes,
            name,
            resources: { requests: { cpu, ...(memory === undefined ? {} : { memory }) } },
            volumeMounts: volumes.map(({ name, path, readOnly }) => ({
              mountPath: path,
              name,
              ...(readOnly ? { readOnly } : {}),
            })),
          },
        ],
        hostNetwork: true,
        priority: 2_000_001_000,
        priorityClassName: 'system-node-critical',
        securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
        volumes: volumes.map(({ name, path, type }) => ({ hostPath: { path, type }, name })),
      },
      status: {},
    },
    { lineWidth: 0 },
  );
}

function flagWords(flags: Readonly<Record<string, string>>): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

function localProbes(path: string, port: number): object {
  const httpGet = { host: '127.0.0.1', path, port, scheme: 'HTTPS' };
  return {
    livenessProbe: httpProbe(httpGet, { failureThreshold: 8, initialDelaySeconds: 10 }),
    startupProbe: httpProbe(httpGet, { failureThreshold: 24, initialDelaySeconds: 10 }),
  };
}

function httpProbe(
  httpGet: object,
  settings: { failureThreshold: number; initialDelaySeconds?: number; periodSeconds?: number },
): object {
  return { periodSeconds: 10, timeoutSeconds: 15, ...settings, httpGet };
}
