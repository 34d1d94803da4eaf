import { apiServerAddresses } from '../../core/api-servers.ts';
import { type NodeContext, onMember, type StepHandler } from '../step.ts';

const CONTROLLERS = ['kube-controller-manager', 'kube-scheduler'] as const;

export const startControllers: StepHandler = {
  async perform(context: NodeContext, _intent, signal) {
    const { plan, nodePlan, snapshot, paths, components, ports, progress } = context;
    const { hosting, member } = ports;
    progress('starting controllers');
    for (const component of CONTROLLERS) {
      if (components.includes(component)) {
        await hosting.returnManifest(nodePlan, component, paths.parkedDir, signal);
      }
    }
    if (!onMember(context)) return {};
    // Endpoints of API servers of the snapshot's time that are no more: clients would be sent there.
    progress('dropping stale leases');
    const dropped = await member.dropStaleMasterLeases(
      snapshot.facts?.registryPrefix || '/registry',
      apiServerAddresses(plan),
      signal,
    );
    return { detail: { droppedMasterLeases: dropped } };
  },
};
