import { resolve } from 'node:path';

/** The checkout that this lab belongs to. */
export const repository: string = resolve(import.meta.dirname, '../../..');

/** Programs of the lab and of the product, run by this Node. */
export const programs = {
  serviceManager: resolve(repository, 'test/lab/service-manager/main.ts'),
  containerRuntime: resolve(repository, 'test/lab/container-runtime/main.ts'),
  kubelet: resolve(repository, 'test/lab/kubelet/main.ts'),
  apiServer: resolve(repository, 'test/lab/api-server/main.ts'),
  agent: resolve(repository, 'agent/main.ts'),
  coordinator: resolve(repository, 'coordinator/main.ts'),
  agentWithFailpoints: resolve(repository, 'test/faults/failpoints/agent-main.ts'),
  coordinatorWithFailpoints: resolve(repository, 'test/faults/failpoints/coordinator-main.ts'),
  commandLine: resolve(repository, 'coordinator/cli/main.ts'),
} as const;

/** On a node. */
export const hostPaths = {
  manifests: '/etc/kubernetes/manifests',
  pki: '/etc/kubernetes/pki',
  kubelet: '/var/lib/kubelet',
  etcd: '/var/lib/etcd',
  lockstepTls: '/etc/lockstep/tls',
  agentConfig: '/etc/lockstep/agent.yaml',
} as const;
