import { proveStoppedSoon } from '../prove-stopped.ts';
import type { StepHandler } from '../step.ts';

export const fenceEtcd: StepHandler = {
  async perform(context, _intent, signal) {
    const { nodePlan, components, ports, progress } = context;
    progress('stopping etcd');
    await ports.hosting.stopComponents(nodePlan, ['etcd'], signal);
    await proveStoppedSoon(context, components, signal);
    return { detail: { stopped: components } };
  },
};
