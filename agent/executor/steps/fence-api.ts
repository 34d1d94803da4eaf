import type { StepHandler } from '../step.ts';

/**
 * Downtime begins. Kubelet first, so that nothing restarts what is stopped; then all manifests
 * out, etcd's too; then everything that writes to etcd stopped. etcd itself goes on until no API
 * server runs on any node.
 */
export const fenceApi: StepHandler = {
  async perform({ operationId, nodePlan, paths, components, ports, progress }, _intent, signal) {
    const { hosting } = ports;
    const clients = components.filter((component) => component !== 'etcd');
    progress('holding kubelet');
    await hosting.holdKubelet(operationId, signal);
    progress('moving manifests out');
    await hosting.parkManifests(nodePlan, components, paths.parkedDir, signal);
    progress('stopping the API server');
    await hosting.stopComponents(nodePlan, clients, signal);
    await hosting.proveStopped(nodePlan, operationId, clients, signal);
    return { detail: { stopped: clients } };
  },
};
