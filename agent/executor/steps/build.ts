import { proveNew } from '../prove-new.ts';
import { required, type StepHandler } from '../step.ts';

/** NEW's own directories: nobody but root looks into them. */
const STAGING_MODE = 0o700;

/**
 * Builds NEW beside OLD and reads it whole. What an earlier attempt left is removed first: the
 * order of steps lets no BUILD run once NEW was looked at again, let alone once an exchange may
 * have put OLD into that place.
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
    const facts = await proveNew(context, signal);
    const inode = required(await stores.inodeOf(paths.other, signal), 'new store', node);
    return { result: { newStore: facts }, detail: { inode, contentSha256: facts.contentSha256 } };
  },
};
