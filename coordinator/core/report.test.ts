import { EtcdMemberPlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { expect, it } from 'vitest';
import { keptPath } from './report.ts';

it.each([
  ['/var/lib/etcd', false, '/var/lib/.lockstep/r-1/store'],
  ['/var/lib/etcd/', false, '/var/lib/.lockstep/r-1/store'],
  ['/var/lib/etcd', true, '/var/lib/etcd/.lockstep/r-1/store'],
])('OLD of %s (a mount point: %s) is kept where the agent put it', (dataDir, isMountPoint, path) => {
  expect(keptPath(EtcdMemberPlan.fromPartial({ dataDir, oldStore: { isMountPoint } }), 'r-1')).toBe(path);
});
