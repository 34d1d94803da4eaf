import { sameInode } from '../../core/convergence.ts';
import type { SwapRecord } from '../../core/operation.ts';
import type { StepHandler } from '../step.ts';
import { builtInode, findStores, notAsRecorded, swapRecord } from '../swap-record.ts';

/** Converges to NEW in place. Done twice, it does it once. */
export const swap: StepHandler = {
  /** Both inodes, as they were before the first exchange: a later intent repeats the first one's. */
  async prepare({ node, memberPlan, paths, effects, ports }, signal): Promise<SwapRecord> {
    const earlier = swapRecord(effects);
    if (earlier !== undefined) return earlier;
    const found = await findStores(ports.stores, paths, undefined, signal);
    const { inPlace, other } = found;
    const planned = memberPlan.oldStore;
    const isPlanned =
      planned?.isMountPoint === true ||
      (inPlace !== undefined &&
        planned?.dataDirInode !== undefined &&
        sameInode(inPlace, planned.dataDirInode));
    // Both lie on one filesystem, whose device number a reboot may change.
    const isBuilt = other !== undefined && other.number === builtInode(effects)?.number;
    if (inPlace === undefined || other === undefined || !isPlanned || !isBuilt) {
      throw notAsRecorded(node, paths, found, undefined);
    }
    return { old: inPlace, new: other };
  },

  async perform({ node, operationId, nodePlan, paths, effects, ports, progress }, intent, signal) {
    const { hosting, stores } = ports;
    const recorded = swapRecord(effects) ?? (intent as SwapRecord);
    const { inPlace, other, inPlaceDb: lockDb } = paths;
    const prove = (): Promise<void> => hosting.proveStopped(nodePlan, operationId, ['etcd'], signal);
    const before = await findStores(stores, paths, recorded, signal);
    if (before.store === 'unknown') throw notAsRecorded(node, paths, before, recorded);
    if (before.store === 'old') {
      progress('exchanging stores');
      await stores.exchange({ inPlace, other, lockDb, prove }, signal);
      const after = await findStores(stores, paths, recorded, signal);
      if (after.store !== 'new') throw notAsRecorded(node, paths, after, recorded);
    } else {
      // Whoever exchanged them may have died before the sync and the second proof.
      await stores.syncNames([inPlace, other], signal);
      await prove();
    }
    return { detail: { exchanged: before.store === 'old' } };
  },
};
