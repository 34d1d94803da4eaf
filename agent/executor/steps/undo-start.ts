import { converge } from '../converge.ts';
import type { NodeContext, StepHandler } from '../step.ts';

/** OLD's manifests and kubelet back. Where the fence never came, nothing is touched. */
export const undoStart: StepHandler = {
  async perform(context: NodeContext, _intent, signal) {
    return { detail: { actions: await converge(context, 'old-serving', signal) } };
  },
};
