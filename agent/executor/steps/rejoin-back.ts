import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { EtcdMemberPlan, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { parkedDirOf } from '../../core/paths.ts';
import { proveStoppedSoon } from '../prove-stopped.ts';
import { required, type StepContext, type StepHandler } from '../step.ts';
import { findStores, notAsRecorded, swapRecord } from '../swap-record.ts';

/**
 * The sponsor first: once the learner is gone from the membership, or was found to vote, it is
 * certain which way. Then the node, which is set aside as before.
 */
export const rejoinBack: StepHandler = {
  ends: 'undone',
  /** An intent to go back bars the way forward for good: not where the learner votes already. */
  async prepare({ node, plan, ports }, signal) {
    if (node === plan.rejoins?.node) return null;
    const { name, initialAdvertisePeerUrls } = joiningMember(plan, node);
    if (await ports.membership.isVoter(initialAdvertisePeerUrls, signal)) {
      throw new LockstepError('ALREADY_COMMITTED', { node, message: `The member ${name} votes already.` });
    }
    return null;
  },
  async perform(context, _intent, signal) {
    const { node, plan, ports, progress } = context;
    if (node === plan.rejoins?.node) return setAsideAgain(context, signal);
    progress('removing the learner');
    await ports.membership.removeLearner(joiningMember(plan, node).initialAdvertisePeerUrls, signal);
    return {};
  },
};

/** Converges: all stopped, the joining manifest gone, the others parked, OLD in its place. */
async function setAsideAgain(context: StepContext, signal: AbortSignal): ReturnType<StepHandler['perform']> {
  const { node, operationId, plan, nodePlan, paths, components, effects, ports, progress } = context;
  const { hosting, stores } = ports;
  const parkedDir = parkedDirOf(nodePlan, plan.subjectOperationId);
  progress('holding kubelet');
  await hosting.holdKubelet(operationId, signal);
  const inPlace = await hosting.manifestsInPlace(nodePlan, signal);
  if (inPlace.includes('etcd')) await ports.joining.removeJoiningManifest(nodePlan, parkedDir, signal);
  const others = components.filter((component) => component !== 'etcd');
  await hosting.parkManifests(nodePlan, others, parkedDir, signal);
  progress('stopping the control plane');
  await hosting.stopComponents(nodePlan, components, signal);
  await proveStoppedSoon(context, components, signal);
  const recorded = swapRecord(effects);
  const found = await findStores(stores, paths, recorded, signal);
  if (found.store === 'unknown') throw notAsRecorded(node, paths, found, recorded);
  if (found.store === 'new') {
    progress('exchanging stores');
    const prove = (): Promise<void> => hosting.proveStopped(nodePlan, operationId, components, signal);
    // OLD's database is there for certain; the other store may never have got one.
    await stores.exchange(
      { inPlace: paths.inPlace, other: paths.other, lockDb: paths.otherDb, prove },
      signal,
    );
  } else if (recorded !== undefined) {
    await stores.syncNames([paths.inPlace, paths.other], signal);
  }
  await stores.removeOwnTree(paths.stagingDir, operationId, signal);
  return { detail: { keptOld: paths.inPlace } };
}

function joiningMember({ nodes, rejoins }: RestorePlan, node: string): EtcdMemberPlan {
  return required(nodes.find((each) => each.node === rejoins?.node)?.etcd, 'node that re-joins', node);
}
