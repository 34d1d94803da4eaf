import { type NodeContext, onMember, type StepHandler } from '../step.ts';

/** OLD stays where it is until an explicit purge; the detail says where. */
export const close: StepHandler = {
  ends: 'closed',
  async perform(context: NodeContext) {
    return { detail: onMember(context) ? { keptOld: context.paths.other } : {} };
  },
};
