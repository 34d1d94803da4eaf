import { ApiClient, readKubeconfig } from './kubelet/api-client.ts';
import type { LabNode } from './lab-node.ts';

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;
const CREATED = 201;
const CONFLICT = 409;

/** What kube-apiserver itself sees to in every cluster: the system's namespaces and its own service. */
export async function createSystemObjects(node: LabNode, signal: AbortSignal): Promise<void> {
  const client = new ApiClient(readKubeconfig(node.path('/etc/kubernetes/admin.conf'), node.root));
  const create = async (path: string, object: object): Promise<void> => {
    const { status } = await client.send('POST', path, object, signal);
    if (status !== CREATED && status !== CONFLICT) throw new Error(`the API refuses ${path}: ${status}`);
  };
  try {
    for (const name of NAMESPACES) {
      await create('/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      });
    }
    await create('/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'kubernetes',
        namespace: 'default',
        labels: { component: 'apiserver', provider: 'kubernetes' },
      },
      spec: {
        clusterIP: '10.96.0.1',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
        type: 'ClusterIP',
      },
      status: { loadBalancer: {} },
    });
  } finally {
    client.close();
  }
}
