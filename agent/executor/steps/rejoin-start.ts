import { parkedDirOf } from '../../core/paths.ts';
import type { StepHandler } from '../step.ts';
import { findStores, swapRecord } from '../swap-record.ts';
import { swap } from './swap.ts';

/**
 * On the node: the empty store in OLD's place, and over it a manifest that can only join. Until
 * that manifest is there nothing of etcd's is live; once it is, an empty store begins no cluster.
 */
export const rejoinStart: StepHandler = {
  prepare: (context, signal) => swap.prepare?.(context, signal) ?? Promise.resolve(null),

  async perform(context, intent, signal) {
    const { operationId, plan, nodePlan, memberPlan, paths, effects, ports, progress } = context;
    const { hosting, stores } = ports;
    const parkedDir = parkedDirOf(nodePlan, plan.subjectOperationId);
    const inPlace = await hosting.manifestsInPlace(nodePlan, signal);
    const { store } = await findStores(stores, paths, swapRecord(effects), signal);
    // Over a store that is exchanged and live there is nothing to exchange or to prove stopped.
    if (store !== 'new' || inPlace.length === 0) {
      await swap.perform(context, intent, signal);
      progress('starting kubelet');
      await hosting.releaseKubelet(operationId, signal);
    }
    progress('starting etcd to join');
    await ports.joining.placeJoiningManifest(nodePlan, parkedDir, memberPlan.initialCluster, signal);
    await hosting.releaseKubelet(operationId, signal);
    await hosting.waitServingPeers(memberPlan, signal);
    return { detail: { keptOld: paths.other } };
  },
};
