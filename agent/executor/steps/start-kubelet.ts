import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { type NodeContext, onMember, type StepHandler, wasIntended } from '../step.ts';
import { requireNewInPlace } from './require-new-in-place.ts';

/**
 * Kubelet starts with none of our manifests in place: one that starts while the API is down never
 * stops a pod that is gone, so what it is to run arrives afterwards.
 */
export const startKubelet: StepHandler = {
  async perform(context: NodeContext, _intent, signal) {
    const { node, operationId, nodePlan, effects, ports, progress } = context;
    const { hosting } = ports;
    if (onMember(context)) await requireNewInPlace(context, signal);
    if (!wasIntended(effects, Step.STEP_START_ETCD)) {
      const inPlace = await hosting.manifestsInPlace(nodePlan, signal);
      if (inPlace.length > 0) {
        throw new LockstepError('PLAN_DRIFTED', {
          node,
          message: `Somebody put manifests back on ${node} while it was fenced: ${inPlace.join(', ')}.`,
        });
      }
    }
    progress('starting kubelet');
    await hosting.releaseKubelet(operationId, signal);
    return {};
  },
};
