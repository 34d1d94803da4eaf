import { proveStoppedSoon } from '../prove-stopped.ts';
import type { StepHandler } from '../step.ts';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * The node was left out of a restore and is back with OLD: all of its control plane is stopped
 * and kept from starting, over a reboot too. OLD stays in its place, untouched. There is no
 * barrier to wait at and nothing to prove elsewhere, so that one step is the whole operation.
 */
export const setAside: StepHandler = {
  ends: 'closed',
  async perform(context, _intent, signal) {
    const { operationId, nodePlan, paths, components, ports, progress } = context;
    const { hosting, stores } = ports;
    await stores.makeDirectory(paths.operationDir, DIRECTORY_MODE, signal);
    await stores.writeFile(
      paths.undoFile,
      hosting.undoText(nodePlan, { operationId, parkedDir: paths.parkedDir, otherStore: paths.other }),
      FILE_MODE,
      signal,
    );
    progress('holding kubelet');
    await hosting.holdKubelet(operationId, signal);
    progress('moving manifests out');
    await hosting.parkManifests(nodePlan, components, paths.parkedDir, signal);
    progress('stopping the control plane');
    await hosting.stopComponents(nodePlan, components, signal);
    await proveStoppedSoon(context, components, signal);
    return { detail: { keptOld: paths.inPlace, parked: paths.parkedDir } };
  },
};
