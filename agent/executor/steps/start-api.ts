import type { NodeContext, StepHandler } from '../step.ts';

/** Committed: the first API server's return is the point of no return, for this node too. */
export const startApi: StepHandler = {
  async perform({ nodePlan, paths, components, ports, progress }: NodeContext, _intent, signal) {
    if (!components.includes('kube-apiserver')) return {};
    progress('starting the API server');
    await ports.hosting.returnManifest(nodePlan, 'kube-apiserver', paths.parkedDir, signal);
    progress('waiting for /readyz');
    await ports.hosting.waitApiReady(nodePlan, signal);
    return {};
  },
};
