import { join } from 'node:path';
import { K3sStore } from './k3s-store.ts';

/** A red word, a window's title, a new line, words in another order, C1's own escape, and markup. */
export const HOSTILE =
  'x\u001b[31mred\u001b]0;owned\u0007\nline\u202eesrever\u009b2J<script>alert(1)</script>"onload=\'';
export const PASSWORD = 'hunter2-and-more';
const BASE64_PASSWORD = Buffer.from(PASSWORD).toString('base64');

/** The day before, and the night itself. UTC. */
export function at(time: string): string {
  return `2026-11-22T${time}Z`;
}

interface Meta {
  readonly namespace?: string;
  readonly createdAt?: string;
  /** Tool, time and the fields that it set, one after another. */
  readonly by?: readonly (readonly [tool: string, time: string, ...fields: string[]])[];
  readonly [field: string]: unknown;
}

function object(apiVersion: string, kind: string, name: string, meta: Meta, rest: object): object {
  const { createdAt = '09:00:00', by = [['kubectl-create', createdAt, 'f:spec']], ...more } = meta;
  return {
    kind,
    apiVersion,
    metadata: {
      name,
      ...more,
      uid: `uid-of-${kind}-${name.length}`,
      creationTimestamp: at(createdAt),
      managedFields: by.map(([manager, time, ...fields]) => ({
        manager,
        operation: 'Update',
        apiVersion,
        time: at(time),
        fieldsType: 'FieldsV1',
        fieldsV1: Object.fromEntries(fields.map((field) => [field, {}])),
      })),
    },
    ...rest,
  };
}

const core = (kind: string, name: string, meta: Meta, rest: object = {}) =>
  object('v1', kind, name, meta, rest);

export const keys = {
  app: '/registry/configmaps/team-01/app',
  db: '/registry/secrets/team-01/db',
  event: '/registry/events/team-01/api.17a2',
  hostile: `/registry/configmaps/team-01/${HOSTILE}`,
  backdoor: '/registry/pods/kube-system/backdoor-cp1',
} as const;

const TEAM = { namespace: 'team-01' };
const SYSTEM = { namespace: 'kube-system' };

/** A small cluster, an hour before. */
function calm(store: K3sStore): void {
  for (const name of ['default', 'kube-system', 'team-01']) {
    store.put(`/registry/namespaces/${name}`, core('Namespace', name, {}, { status: { phase: 'Active' } }));
  }
  store.put('/registry/minions/cp1', core('Node', 'cp1', { by: [['k3s', '09:00:00', 'f:status']] }));
  store.put(
    '/registry/clusterrolebindings/cluster-admin',
    binding('cluster-admin', '09:00:00', 'kube-apiserver', {
      kind: 'Group',
      apiGroup: 'rbac.authorization.k8s.io',
      name: 'system:masters',
    }),
  );
  store.put(keys.app, app('09:05:00', { level: 'info' }, [['helm', '09:05:00', 'f:data']]));
  store.put(keys.db, secret(PASSWORD, [['kubectl-create', '09:05:10', 'f:data', 'f:type']]));
  store.put(
    '/registry/persistentvolumes/pv-7',
    core(
      'PersistentVolume',
      'pv-7',
      {},
      {
        spec: {
          capacity: { storage: '8Gi' },
          csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-0a1' },
          claimRef: { namespace: 'team-01', name: 'data-db-0' },
        },
      },
    ),
  );
  store.put(
    '/registry/persistentvolumeclaims/team-01/data-db-0',
    core('PersistentVolumeClaim', 'data-db-0', TEAM, { spec: { volumeName: 'pv-7' } }),
  );
  store.put(`/registry/pods/kube-system/etcd-cp1`, mirror('etcd-cp1', '09:00:30'));
  store.put('/registry/deployments/team-01/api', deployment(2, [['helm', '09:06:00', 'f:spec']]));
  store.put(keys.event, event('api.17a2', '10:36:00', 'Created container api'));
  for (const time of ['10:37:00', '10:38:00']) store.put('/registry/leases/kube-node-lease/cp1', lease(time));
}

/** What the intruder did, in two minutes. */
function intrusion(store: K3sStore): void {
  const by = (time: string, tool = 'kubectl-create'): Meta => ({
    createdAt: time,
    by: [[tool, time, 'f:metadata']],
  });
  store.put(
    keys.app,
    app('09:05:00', { level: 'debug', [HOSTILE]: HOSTILE }, [
      ['helm', '09:05:00', 'f:data'],
      ['kubectl-edit', '10:40:12', 'f:data'],
    ]),
  );
  store.put(
    '/registry/serviceaccounts/kube-system/node-backup',
    core('ServiceAccount', 'node-backup', { ...SYSTEM, ...by('10:40:20') }),
  );
  store.put(
    '/registry/clusterrolebindings/node-backup',
    binding('node-backup', '10:40:24', 'kubectl-create', {
      kind: 'ServiceAccount',
      ...SYSTEM,
      name: 'node-backup',
    }),
  );
  store.put(
    '/registry/secrets/kube-system/node-backup-token',
    core(
      'Secret',
      'node-backup-token',
      {
        ...SYSTEM,
        ...by('10:40:26'),
        annotations: { 'kubernetes.io/service-account.name': 'node-backup' },
      },
      { type: 'kubernetes.io/service-account-token', data: { token: BASE64_PASSWORD } },
    ),
  );
  const container = {
    name: 'xmrig',
    image: 'docker.io/library/xmrig:6.22.2',
    command: ['xmrig', '--url=pool.example:3333', '--threads=64'],
    securityContext: { privileged: true },
  };
  const template = { spec: { hostPID: true, containers: [container] } };
  store.put(
    '/registry/daemonsets/kube-system/gpu-metrics',
    object(
      'apps/v1',
      'DaemonSet',
      'gpu-metrics',
      { ...SYSTEM, ...by('10:40:50') },
      {
        spec: { template },
      },
    ),
  );
  store.put(
    '/registry/pods/kube-system/gpu-metrics-4x7kq',
    core(
      'Pod',
      'gpu-metrics-4x7kq',
      {
        ...SYSTEM,
        ...by('10:40:51', 'kube-controller-manager'),
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'gpu-metrics', controller: true },
        ],
      },
      { spec: { ...template.spec, nodeName: 'cp1' } },
    ),
  );
  store.put(keys.backdoor, mirror('backdoor-cp1', '10:41:00'));
  store.put(
    keys.db,
    secret('known to the intruder', [
      ['kubectl-create', '09:05:10', 'f:data', 'f:type'],
      ['kubectl-edit', '10:41:05', 'f:data'],
    ]),
  );
  store.delete(keys.event);
  store.put(
    '/registry/deployments/team-01/api',
    deployment(0, [
      ['helm', '09:06:00', 'f:spec'],
      ['kubectl-scale', '10:41:20', 'f:spec'],
    ]),
  );
  store.put(keys.hostile, core('ConfigMap', HOSTILE, { ...TEAM, ...by('10:41:30', HOSTILE) }));
  store.put(
    `/registry/events/team-01/${HOSTILE}`,
    event(HOSTILE, '10:41:40', `Stopping container ${HOSTILE}`),
  );
  store.put(
    `/registry/pods/team-01/${HOSTILE}`,
    core(
      'Pod',
      HOSTILE,
      { ...TEAM, ...by('10:41:45', HOSTILE) },
      {
        spec: {
          containers: [{ name: HOSTILE, image: HOSTILE, securityContext: { privileged: true } }],
          volumes: [{ name: HOSTILE, hostPath: { path: `/${HOSTILE}` } }],
        },
      },
    ),
  );
  store.put('/registry/leases/kube-node-lease/cp1', lease('10:42:00'));
}

/** The K3s store of the hour before, and of the night. */
export function writeNight(directory: string): { readonly before: string; readonly after: string } {
  const store = new K3sStore(4_100);
  calm(store);
  const [before, after] = [join(directory, 'before.db'), join(directory, 'after.db')];
  store.save(before).close();
  intrusion(store);
  store.save(after).close();
  return { before, after };
}

/** The same night in a store of the caller's. */
export function fillNight(store: K3sStore): void {
  calm(store);
  intrusion(store);
}

function app(createdAt: string, data: object, by: Meta['by']): object {
  return core('ConfigMap', 'app', { ...TEAM, createdAt, ...(by === undefined ? {} : { by }) }, { data });
}

export function secret(password: string, by: Meta['by'], name = 'db'): object {
  const meta = { ...TEAM, createdAt: '09:05:10', ...(by === undefined ? {} : { by }) };
  const data = { password: Buffer.from(password).toString('base64') };
  return core('Secret', name, meta, { type: 'Opaque', data });
}

function binding(name: string, createdAt: string, tool: string, subject: object): object {
  return object(
    'rbac.authorization.k8s.io/v1',
    'ClusterRoleBinding',
    name,
    { createdAt, by: [[tool, createdAt, 'f:roleRef', 'f:subjects']] },
    {
      subjects: [subject],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    },
  );
}

function deployment(replicas: number, by: Meta['by']): object {
  return object(
    'apps/v1',
    'Deployment',
    'api',
    { ...TEAM, createdAt: '09:06:00', ...(by === undefined ? {} : { by }) },
    { spec: { replicas, template: { spec: { containers: [{ name: 'api', image: 'api:1.4' }] } } } },
  );
}

/** As kubelet shows a static pod in the API. */
function mirror(name: string, createdAt: string): object {
  return core(
    'Pod',
    name,
    {
      ...SYSTEM,
      createdAt,
      by: [['kubelet', createdAt, 'f:metadata', 'f:spec']],
      annotations: { 'kubernetes.io/config.mirror': '3f9a0c1d', 'kubernetes.io/config.source': 'file' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'cp1', controller: true }],
    },
    { spec: { nodeName: 'cp1', containers: [{ name: 'main', image: `${name}:1` }] } },
  );
}

function event(name: string, time: string, message: string): object {
  return core(
    'Event',
    name,
    { ...TEAM, createdAt: time, by: [['kubelet', time, 'f:message']] },
    {
      involvedObject: { kind: 'Pod', namespace: 'team-01', name: 'api-7d9' },
      reason: 'Killing',
      message,
      source: { component: 'kubelet' },
      lastTimestamp: at(time),
      count: 3,
    },
  );
}

function lease(time: string): object {
  return object(
    'coordination.k8s.io/v1',
    'Lease',
    'cp1',
    { namespace: 'kube-node-lease', by: [['kubelet', time, 'f:spec']] },
    { spec: { holderIdentity: 'cp1', renewTime: at(`${time}.000000`) } },
  );
}
