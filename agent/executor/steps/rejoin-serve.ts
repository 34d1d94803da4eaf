import { below } from '../../core/host-path.ts';
import { parkedDirOf } from '../../core/paths.ts';
import type { StepHandler } from '../step.ts';

const DIRECTORY_MODE = 0o700;

/** On the node, whose member votes now: the rest of its control plane returns. OLD stays where it is kept. */
export const rejoinServe: StepHandler = {
  ends: 'closed',
  async perform({ plan, nodePlan, paths, components, ports, progress }, _intent, signal) {
    const { hosting, stores, joining } = ports;
    const parkedDir = parkedDirOf(nodePlan, plan.subjectOperationId);
    for (const component of components) {
      if (component === 'etcd') continue;
      progress(`starting ${component}`);
      await hosting.returnManifest(nodePlan, component, parkedDir, signal);
      if (component === 'kube-apiserver') await hosting.waitApiReady(nodePlan, signal);
    }
    // Left parked, it would be taken for the node's own while the next restore has the live one out.
    await stores.makeDirectory(paths.operationDir, DIRECTORY_MODE, signal);
    await joining.archiveParkedManifest(
      nodePlan,
      parkedDir,
      below(paths.operationDir, 'etcd.yaml.before'),
      signal,
    );
    return { detail: { keptOld: paths.other } };
  },
};
