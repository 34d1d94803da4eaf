import type { StepHandler } from '../step.ts';
import { requireNewInPlace } from './require-new-in-place.ts';

/** Returns once the member serves its peers: it may need the others to serve clients. */
export const startEtcd: StepHandler = {
  async perform(context, _intent, signal) {
    const { nodePlan, memberPlan, paths, ports, progress } = context;
    await requireNewInPlace(context, signal);
    progress('starting etcd');
    await ports.hosting.returnManifest(nodePlan, 'etcd', paths.parkedDir, signal);
    await ports.hosting.waitServingPeers(memberPlan, signal);
    return {};
  },
};
