import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { newStoreDifferences } from '../../core/new-store.ts';
import { required, type StepContext, type StepHandler } from '../step.ts';

/** NEW's own directories: nobody but root looks into them. */
const STAGING_MODE = 0o700;

/**
 * Builds NEW beside OLD and reads it whole. What an earlier attempt left is removed first: the
 * order of steps lets no BUILD run once an exchange may have put OLD into that place.
 */
export const build: StepHandler = {
  async perform(context, _intent, signal) {
    const { node, operationId, plan, nodePlan, memberPlan, snapshot, paths, ports, progress } = context;
    const { stores, builder, snapshots } = ports;
    await stores.removeOwnTree(paths.newStore, operationId, signal);
    await stores.makeDirectory(paths.stagingDir, STAGING_MODE, signal);
    progress('building');
    await builder.restore(
      {
        tool: required(nodePlan.etcdutl, 'etcdutl', node),
        snapshotPath: snapshots.hostPathOf(snapshot.id),
        targetDir: paths.newStore,
        member: memberPlan,
        clusterToken: plan.clusterToken,
        bumpBy: plan.bump?.by,
      },
      signal,
    );
    progress('syncing');
    await stores.adopt(paths.newStore, memberPlan.dataDir, signal);
    progress('proving');
    const facts = await readNew(context, signal);
    const inode = required(await stores.inodeOf(paths.other, signal), 'new store', node);
    return { result: { newStore: facts }, detail: { inode, contentSha256: facts.contentSha256 } };
  },
};

/** NEW as it lies on disk. Throws BUILD_CONTENT_DIFFERS where it is not the snapshot and the bump. */
async function readNew(
  { node, plan, memberPlan, snapshot, paths, ports }: StepContext,
  signal: AbortSignal,
): Promise<SnapshotFacts> {
  const snapshotFacts = required(snapshot.facts, 'snapshot card', node);
  const facts = await ports.readStoreFacts(paths.otherDb, snapshotFacts.status?.revision ?? 0n, signal);
  const differences = newStoreDifferences(snapshotFacts, facts, {
    initialCluster: memberPlan.initialCluster,
    bump: plan.bump,
    alarmsToDisarm: plan.alarmsToDisarm,
  });
  if (differences.length > 0) {
    throw new LockstepError('BUILD_CONTENT_DIFFERS', {
      node,
      message: `The new store on ${node} is not what the plan says: ${differences.join('; ')}.`,
    });
  }
  return facts;
}
