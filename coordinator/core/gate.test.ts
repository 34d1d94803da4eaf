import { ObserveMemberResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failures.ts';
import { judgeGate } from './gate.ts';
import { modelPlan } from './testing/driver.ts';
import { PEERS } from './testing/model-agent.ts';

const PINNED = 2_000_000_001n;
const plan = modelPlan();
type Seen = ReturnType<typeof ObserveMemberResponse.fromPartial>;

function healthy(n: number): Seen {
  return ObserveMemberResponse.fromPartial({
    serving: true,
    memberId: `m${n}`,
    clusterId: 'new',
    revision: PINNED + 2n,
    compactRevision: 2_000_000_000n,
    hash: 77,
    members: PEERS.map((peer, index) => ({ id: `m${index + 1}`, peerUrls: [peer] })),
  });
}

function judged(change: (seen: Map<string, Seen | Failure>) => void = () => undefined): string {
  const seen = new Map<string, Seen | Failure>([1, 2, 3].map((n) => [`cp${n}`, healthy(n)]));
  change(seen);
  const verdict = judgeGate(plan, PINNED, seen);
  return verdict.kind === 'passed' ? 'passed' : `${verdict.kind} ${verdict.failure.code}`;
}

const changed = (n: number, change: Partial<Seen>) => (seen: Map<string, Seen | Failure>) =>
  seen.set(`cp${n}`, { ...healthy(n), ...change });

describe('the gate', () => {
  it('passes members of one new cluster with equal content, and says what it proved', () => {
    expect(judged()).toBe('passed');
    const verdict = judgeGate(plan, PINNED, new Map([1, 2, 3].map((n) => [`cp${n}`, healthy(n)])));
    expect(verdict).toStrictEqual({
      kind: 'passed',
      proof: { revision: PINNED, hash: 77, clusterId: 'new' },
    });
  });

  it.each<[string, string, (seen: Map<string, Seen | Failure>) => unknown]>([
    [
      'an API server that somebody let in',
      'failed GATE_API_SERVER',
      changed(2, { componentsInPlace: ['kube-apiserver'] }),
    ],
    ['another component that is back', 'passed', changed(2, { componentsInPlace: ['kube-scheduler'] })],
    ['an agent that does not answer', 'retry STEP_TIMED_OUT', (seen) => seen.delete('cp2')],
    [
      'an agent that fails',
      'retry STEP_TIMED_OUT',
      (seen) => seen.set('cp2', failureOf('UNREACHABLE', 'gone', 'cp2')),
    ],
    ['a member that does not serve', 'retry STEP_TIMED_OUT', changed(2, { serving: false })],
    ['a member that lags behind', 'retry STEP_TIMED_OUT', changed(2, { revision: PINNED - 1n })],
    ['a member in the middle of compaction', 'retry STEP_TIMED_OUT', changed(2, { compactRevision: 5n })],
    [
      'a member that cannot be hashed yet',
      'retry STEP_TIMED_OUT',
      changed(2, { failure: failureOf('ETCD_UNREACHABLE', 'future revision') }),
    ],
    ['a member of another cluster', 'failed GATE_CLUSTER_ID', changed(3, { clusterId: 'other' })],
    [
      'members of the old cluster',
      'failed GATE_CLUSTER_ID',
      (seen) => {
        for (const n of [1, 2, 3]) seen.set(`cp${n}`, { ...healthy(n), clusterId: 'old' });
      },
    ],
    ['a member too few', 'failed GATE_MEMBERS', changed(1, { members: healthy(1).members.slice(1) })],
    [
      'a member too many',
      'failed GATE_MEMBERS',
      changed(1, {
        members: [
          ...healthy(1).members,
          { id: 'x', name: 'x', peerUrls: ['https://x:2380'], clientUrls: [], learner: false },
        ],
      }),
    ],
    [
      'a learner',
      'failed GATE_MEMBERS',
      changed(1, { members: healthy(1).members.map((each) => ({ ...each, learner: true })) }),
    ],
    ['one member answering for two nodes', 'failed GATE_MEMBERS', changed(2, { memberId: 'm1' })],
    ['an alarm', 'failed GATE_ALARM', changed(2, { alarms: ['NOSPACE'] })],
    ['another hash', 'failed GATE_HASH', changed(2, { hash: 78 })],
    [
      'a compaction at or above the pinned revision',
      'failed GATE_HASH',
      changed(2, { compactRevision: PINNED }),
    ],
    [
      'members that name no cluster',
      'failed GATE_CLUSTER_ID',
      (seen) => {
        for (const n of [1, 2, 3]) seen.set(`cp${n}`, { ...healthy(n), clusterId: '' });
      },
    ],
    [
      'an alarm on a stranger',
      'failed GATE_MEMBERS',
      changed(2, { alarms: ['NOSPACE'], members: healthy(1).members.slice(1) }),
    ],
    [
      'another hash at another compaction, which says nothing yet',
      'retry STEP_TIMED_OUT',
      changed(2, { hash: 78, compactRevision: 5n }),
    ],
  ])('says of %s: %s', (_what, verdict, change) => {
    expect(judged(change)).toBe(verdict);
  });

  it('says why an agent did not say', () => {
    const seen = new Map<string, Seen | Failure>([1, 2, 3].map((n) => [`cp${n}`, healthy(n)]));
    seen.set('cp2', failureOf('UNREACHABLE', 'gone', 'cp2'));
    expect(judgeGate(plan, PINNED, seen)).toMatchObject({
      failure: { message: 'cp2 did not say how its member is', causes: ['cp2: UNREACHABLE: gone'] },
    });
  });
});

describe('a node without a member', () => {
  const mixed = modelPlan({
    nodes: [...plan.nodes, { node: 'api1', ledgerId: 'ledger-4', order: 3 }],
  });
  const with4 = (seen: Partial<Seen>): string => {
    const all = new Map<string, Seen>([1, 2, 3].map((n) => [`cp${n}`, healthy(n)]));
    all.set('api1', ObserveMemberResponse.fromPartial(seen));
    const verdict = judgeGate(mixed, PINNED, all);
    return verdict.kind === 'passed' ? 'passed' : `${verdict.kind} ${verdict.failure.code}`;
  };

  it('passes, unless it lets an API server in, or cannot say so', () => {
    expect(with4({})).toBe('passed');
    expect(with4({ componentsInPlace: ['kube-apiserver'] })).toBe('failed GATE_API_SERVER');
    expect(with4({ failure: failureOf('INTERNAL', 'it cannot look') })).toBe('retry STEP_TIMED_OUT');
  });
});
