import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { expect, it } from 'vitest';
import { bySuitability } from './snapshots.ts';

const member = (node: string, etcd: object) => ({
  node,
  report: NodeReport.fromPartial({ node, etcd: { serving: true, raftIndex: 50_000n, ...etcd } }),
});
const order = (...inspections: Parameters<typeof bySuitability>[0]): string[] =>
  bySuitability(inspections).map(({ report }) => report?.node ?? '');

it('a follower comes before the leader, both before a learner, and all before one that lags', () => {
  expect(
    order(
      member('lagging', { raftIndex: 48_000n }),
      member('learner', { learner: true }),
      member('leader', { leader: true }),
      member('follower', {}),
    ),
  ).toEqual(['follower', 'leader', 'learner', 'lagging']);
});

it('a heartbeat is no lag', () => {
  expect(order(member('leader', { leader: true }), member('follower', { raftIndex: 49_500n }))).toEqual([
    'follower',
    'leader',
  ]);
});

it('who does not serve is not asked, and nobody where none does', () => {
  expect(
    order(member('down', { serving: false }), { report: undefined }, member('leader', { leader: true })),
  ).toEqual(['leader']);
  expect(order(member('down', { serving: false }))).toEqual([]);
});
