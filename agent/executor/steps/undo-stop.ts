import { converge } from '../converge.ts';
import type { NodeContext, StepHandler } from '../step.ts';

/** All of NEW stopped, OLD in place. Where OLD was never swapped out, nothing is touched. */
export const undoStop: StepHandler = {
  async perform(context: NodeContext, _intent, signal) {
    return { detail: { actions: await converge(context, 'old-in-place', signal) } };
  },
};
