import { required, type StepHandler } from '../step.ts';

/** On the sponsor: a learner has no vote, so no quorum changes whatever becomes of it. */
export const rejoinAdmit: StepHandler = {
  async perform({ node, plan, ports, progress }, _intent, signal) {
    const joining = plan.nodes.find((each) => each.node === plan.rejoins?.node);
    const member = required(joining?.etcd, 'node that re-joins', node);
    progress('admitting the learner');
    const memberId = await ports.membership.addLearner(member.initialAdvertisePeerUrls, signal);
    return { detail: { memberId } };
  },
};
