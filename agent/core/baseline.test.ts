import { Baseline } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import type { MemberObservation } from '../ports.ts';
import { baselineDifferences, mustServeAgain } from './baseline.ts';

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

describe('what must serve again after an undo', () => {
  const served = { member: true, api: true };
  it.each([
    ['all that served', true, true, served, served],
    ['all, where nobody recorded what served', true, true, undefined, served],
    ['nothing where OLD was never stopped', false, true, undefined, { member: false, api: false }],
    ['nothing where OLD had no quorum', true, false, served, { member: false, api: false }],
    [
      'no member that was down before',
      true,
      true,
      { ...served, member: false },
      { member: false, api: true },
    ],
    [
      'no API server that was down before',
      true,
      true,
      { ...served, api: false },
      { member: true, api: false },
    ],
  ])('is %s', (_what, wasFenced, serving, before, owed) => {
    expect(mustServeAgain(wasFenced, { serving }, before)).toStrictEqual(owed);
  });
});
