import { ToolReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { EtcdMemberPlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { expect, test } from 'vitest';

import { restoreArguments } from './store-builder.ts';

const REQUEST = {
  tool: ToolReport.create(),
  snapshotPath: '/s',
  targetDir: '/t',
  member: EtcdMemberPlan.create({
    name: 'cp1',
    initialCluster: 'cp1=https://192.0.2.11:2380',
    initialAdvertisePeerUrls: ['https://192.0.2.11:2380', 'https://192.0.2.21:2380'],
  }),
  clusterToken: 'token',
};

test('a restore bumps and compacts, or neither', () => {
  const bumped = restoreArguments({ ...REQUEST, bumpBy: 1_000_000_000n }, '/real/s', '/real/t');
  expect(bumped).toEqual([
    'snapshot',
    'restore',
    '/real/s',
    '--data-dir=/real/t',
    '--name=cp1',
    '--initial-cluster=cp1=https://192.0.2.11:2380',
    '--initial-cluster-token=token',
    '--initial-advertise-peer-urls=https://192.0.2.11:2380,https://192.0.2.21:2380',
    '--bump-revision=1000000000',
    '--mark-compacted',
  ]);
  expect(restoreArguments({ ...REQUEST, bumpBy: undefined }, '/s', '/t')).toEqual(
    expect.not.arrayContaining(['--mark-compacted']),
  );
});
