import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@lockstep/shared/logging.ts';
import { timings } from '../timings.ts';
import type { ApiClient } from './api-client.ts';
import { CONFIG_HASH, CONFIG_MIRROR, type Pod } from './pod.ts';

export interface NodeStatusOptions {
  readonly client: ApiClient;
  readonly node: string;
  readonly address: string;
  readonly logger: Logger;
  /** Static pods that the API shall show. */
  readonly staticPods: () => Pod[];
}

const CALL_TIMEOUT_MS = 5_000;
const LEASE_SECONDS = 40;
const CREATED = 201;
const OK = 200;
const NOT_FOUND = 404;
const CONFLICT = 409;

/** What kubelet tells the API of its node, over and over: the Node, its lease, a mirror of each static pod. */
export async function keepNodeStatus(options: NodeStatusOptions): Promise<never> {
  let registered = false;
  for (;;) {
    let waitMs: number = timings.kubeletLeaseMs;
    try {
      await renewLease(options);
      if (!registered) await registerNode(options);
      if (!registered) options.logger.info('node registered');
      registered = true;
      for (const pod of options.staticPods()) await mirror(pod, options);
    } catch (error) {
      options.logger.debug({ error: String(error) }, 'node status not updated');
      waitMs = timings.kubeletApiRetryMs;
    }
    await delay(waitMs);
  }
}

async function registerNode({ client, node, address }: NodeStatusOptions): Promise<void> {
  const now = new Date().toISOString();
  await createIfMissing(client, '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node,
      labels: { 'kubernetes.io/hostname': node, 'node-role.kubernetes.io/control-plane': '' },
    },
    spec: {},
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: node },
      ],
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now }],
    },
  });
}

async function renewLease({ client, node }: NodeStatusOptions): Promise<void> {
  const collection = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: node, namespace: 'kube-node-lease' },
    spec: { holderIdentity: node, leaseDurationSeconds: LEASE_SECONDS, renewTime: new Date().toISOString() },
  };
  const put = await send(client, 'PUT', `${collection}/${node}`, lease);
  if (put.status === NOT_FOUND) await createIfMissing(client, collection, lease);
  else if (put.status !== OK && put.status !== CONFLICT) throw new Error(`lease refused: ${put.status}`);
}

/** A static pod's image in the API; one of another uid is of an older manifest and is replaced. */
async function mirror(pod: Pod, { client, node }: NodeStatusOptions): Promise<void> {
  const collection = `/api/v1/namespaces/${pod.namespace}/pods`;
  const path = `${collection}/${pod.name}`;
  const { status, body } = await send(client, 'GET', path, undefined);
  if (status === OK) {
    const { metadata, storedBytes } = body as {
      metadata: { annotations?: Record<string, string> };
      storedBytes?: string;
    };
    if (storedBytes !== undefined || metadata.annotations?.[CONFIG_MIRROR] === pod.annotations[CONFIG_HASH])
      return;
    await send(client, 'DELETE', path, undefined);
  }
  const { metadata, spec } = pod.object;
  await createIfMissing(client, collection, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: pod.name,
      namespace: pod.namespace,
      annotations: { ...pod.annotations, [CONFIG_MIRROR]: pod.annotations[CONFIG_HASH] },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid: node, controller: true }],
    },
    spec: { ...spec, nodeName: node },
    status: { phase: 'Running' },
  });
}

async function createIfMissing(client: ApiClient, collection: string, object: unknown): Promise<void> {
  const { status } = await send(client, 'POST', collection, object);
  if (status !== CREATED && status !== CONFLICT) throw new Error(`create refused: ${collection} ${status}`);
}

async function send(
  client: ApiClient,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; body: unknown }> {
  return client.send(method, path, body, AbortSignal.timeout(CALL_TIMEOUT_MS));
}
