import { proveStoppedSoon } from '../prove-stopped.ts';
import type { NodeContext, StepHandler } from '../step.ts';

/**
 * Downtime begins. Kubelet first, so that nothing restarts what is stopped; then all manifests
 * out, etcd's too; then everything that writes to etcd stopped. etcd itself goes on until no API
 * server runs on any node.
 */
export const fenceApi: StepHandler = {
  async perform(context: NodeContext, _intent, signal) {
    const { operationId, nodePlan, paths, components, ports, progress } = context;
    const clients = components.filter((component) => component !== 'etcd');
    progress('holding kubelet');
    await ports.hosting.holdKubelet(operationId, signal);
    progress('moving manifests out');
    await ports.hosting.parkManifests(nodePlan, components, paths.parkedDir, signal);
    progress('stopping the API server');
    await ports.hosting.stopComponents(nodePlan, clients, signal);
    await proveStoppedSoon(context, clients, signal);
    return { detail: { stopped: clients } };
  },
};
