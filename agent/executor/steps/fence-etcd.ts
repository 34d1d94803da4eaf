import type { StepHandler } from '../step.ts';

export const fenceEtcd: StepHandler = {
  async perform({ operationId, nodePlan, components, ports, progress }, _intent, signal) {
    const { hosting } = ports;
    progress('stopping etcd');
    await hosting.stopComponents(nodePlan, ['etcd'], signal);
    await hosting.proveStopped(nodePlan, operationId, components, signal);
    return { detail: { stopped: components } };
  },
};
