import { proveStoppedSoon } from '../prove-stopped.ts';
import { required, type StepHandler } from '../step.ts';

const STORE_MODE = 0o700;

/**
 * On the node: an empty store beside OLD, with OLD's owner and modes. Nothing of the control plane
 * runs: it was set aside, and that is proven anew.
 */
export const rejoinEmpty: StepHandler = {
  async perform(context, _intent, signal) {
    const { node, operationId, memberPlan, paths, components, ports, progress } = context;
    const { hosting, stores } = ports;
    progress('holding kubelet');
    await hosting.holdKubelet(operationId, signal);
    await proveStoppedSoon(context, components, signal);
    progress('making an empty store');
    await stores.removeOwnTree(paths.newStore, operationId, signal);
    await stores.makeDirectory(paths.other, STORE_MODE, signal);
    await stores.adopt(paths.newStore, memberPlan.dataDir, signal);
    const inode = required(await stores.inodeOf(paths.other, signal), 'empty store', node);
    return { detail: { inode } };
  },
};
