import { Baseline } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import type { MemberObservation } from '../ports.ts';
import { baselineDifferences } from './baseline.ts';

const member = (id: string) => ({ id, name: id, peerUrls: [], clientUrls: [], learner: false });
const baseline = Baseline.fromPartial({
  serving: true,
  etcdClusterId: 'c',
  members: [member('1'), member('2')],
  revision: 50n,
});
const observed = (change: Partial<MemberObservation> = {}): MemberObservation => ({
  memberId: '1',
  clusterId: 'c',
  revision: 51n,
  leader: false,
  learner: false,
  version: '3.5.16',
  dbSizeBytes: 1n,
  raftIndex: 1n,
  members: [member('2'), member('1')],
  alarms: [],
  ...change,
});

describe('baseline', () => {
  it('is back with the same members at its revision or above', () => {
    expect(baselineDifferences(baseline, observed())).toStrictEqual([]);
    expect(baselineDifferences(baseline, observed({ revision: 50n }))).toStrictEqual([]);
  });

  it.each([
    ['cluster id', { clusterId: 'd' }],
    ['members', { members: [member('1')] }],
    ['revision', { revision: 49n }],
  ])('is not back with another %s', (word, change) => {
    expect(baselineDifferences(baseline, observed(change)).join()).toContain(word);
  });
});
