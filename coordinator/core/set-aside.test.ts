import { OperationState, ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { belongingOf, isSetAside, leftOutBy, leftOutNow, setAsidePlan } from './set-aside.ts';

/** A ledger whose latest operation is this one. */
function ledger(node: string, createdMs: bigint, state: OperationState, change: object): ReadLedgerResponse {
  const plan = RestorePlan.fromPartial({ operationId: `r-${createdMs}`, createdMs, ...change });
  return ReadLedgerResponse.fromPartial({
    node,
    operationId: plan.operationId,
    state,
    plan: Buffer.from(RestorePlan.encode(plan).finish()),
  });
}
const { OPERATION_STATE_CLOSED, OPERATION_STATE_COMMITTED, OPERATION_STATE_UNDONE, OPERATION_STATE_OPEN } =
  OperationState;
const SET_ASIDE = PlanKind.PLAN_KIND_SET_ASIDE;
const REJOIN = PlanKind.PLAN_KIND_REJOIN;

const nothing = ReadLedgerResponse.fromPartial({ node: 'cp3' });
const member = { node: 'cp3', memberId: 'm3' };
/** As later plans name it: without a member in what is OLD then. */
const outsider = { node: 'cp3', memberId: '' };
const without3 = { leftOut: [member] };

describe('a node is left out', () => {
  const restored = ledger('cp1', 5n, OPERATION_STATE_CLOSED, without3);

  it.each([
    ['of a restore that closed', [restored], 'r-5'],
    [
      'of one that is committed and not closed',
      [ledger('cp1', 5n, OPERATION_STATE_COMMITTED, without3)],
      'r-5',
    ],
    [
      'though a later restore without it was undone',
      [ledger('cp1', 7n, OPERATION_STATE_UNDONE, { leftOut: [outsider] })],
      'r-7',
    ],
    [
      'though another node has re-joined since',
      [
        restored,
        ledger('cp1', 8n, OPERATION_STATE_CLOSED, { kind: REJOIN, rejoins: { node: 'cp2' }, ...without3 }),
      ],
      'r-8',
    ],
    [
      'though its own re-join was undone, as the sponsor has it',
      [ledger('cp1', 8n, OPERATION_STATE_UNDONE, { kind: REJOIN, rejoins: member })],
      'r-8',
    ],
  ])('%s', (_what, others, by) => {
    expect(leftOutBy('cp3', nothing, others)?.operationId).toBe(by);
    expect(leftOutNow(others).map(({ node }) => node)).toContain('cp3');
  });

  it.each([
    [
      'of a restore that was undone: OLD is what serves',
      [ledger('cp1', 5n, OPERATION_STATE_UNDONE, without3)],
    ],
    ['of one that is open', [ledger('cp1', 5n, OPERATION_STATE_OPEN, without3)]],
    ['of one before the latest, which had it', [restored, ledger('cp2', 6n, OPERATION_STATE_CLOSED, {})]],
    ['of one before the latest, which has it', [ledger('cp2', 6n, OPERATION_STATE_OPEN, {}), restored]],
    [
      'once it has re-joined',
      [restored, ledger('cp2', 9n, OPERATION_STATE_CLOSED, { kind: REJOIN, rejoins: member })],
    ],
    ['where nobody knows anything', [nothing]],
  ])('not %s', (_what, others) => {
    expect(leftOutBy('cp3', nothing, others)).toBeUndefined();
  });

  it('not where it is set aside already, after a re-join that was undone too', () => {
    const aside = ledger('cp3', 6n, OPERATION_STATE_CLOSED, { kind: SET_ASIDE });
    const back = ledger('cp3', 8n, OPERATION_STATE_UNDONE, { kind: REJOIN, rejoins: member });
    for (const own of [aside, back]) {
      expect(isSetAside(own)).toBe(true);
      expect(leftOutBy('cp3', own, [restored])).toBeUndefined();
    }
  });

  it('not while its own re-join is under way', () => {
    const rejoining = { kind: REJOIN, rejoins: member };
    for (const state of [OPERATION_STATE_OPEN, OPERATION_STATE_COMMITTED]) {
      expect(isSetAside(ledger('cp3', 8n, state, rejoining))).toBe(false);
    }
  });

  it('of a restore that is committed on one node and not yet on another, whoever answers first', () => {
    const open = ledger('cp2', 5n, OPERATION_STATE_OPEN, without3);
    for (const others of [
      [restored, open],
      [open, restored],
    ]) {
      expect(leftOutBy('cp3', nothing, others)?.operationId).toBe('r-5');
    }
  });

  it('and a sponsor whose re-join was undone is not set aside by that', () => {
    expect(isSetAside(ledger('cp1', 8n, OPERATION_STATE_UNDONE, { kind: REJOIN, rejoins: member }))).toBe(
      false,
    );
  });
});

it('a node that has joined anew under its old name is nobody’s to set aside', () => {
  const of = (clusterId: string): NodeReport => NodeReport.fromPartial({ etcd: { clusterId } });
  expect(belongingOf(of('c0'), 'c1')).toBe('old');
  expect(belongingOf(of('c1'), 'c1')).toBe('current');
  // It may be joining right now, or nobody may say what it should be compared with.
  expect(belongingOf(of(''), 'c1')).toBe('unknown');
  expect(belongingOf(of('c0'), '')).toBe('unknown');
  expect(belongingOf(NodeReport.fromPartial({}), 'c1')).toBe('unknown');
});

describe('a plan that sets aside', () => {
  const restore = RestorePlan.fromPartial({ operationId: 'r-5', cluster: 'lab', leftOut: [member] });
  const settings = { operationId: 'a-1', nowMs: 9, requestedBy: 'lockstep://lab/coordinator/c1' };

  it('is of that node alone, under its own ledger', () => {
    const report = NodeReport.fromPartial({
      ledgerId: 'ledger-3',
      etcd: { name: 'cp3', dataDir: '/var/lib/etcd' },
      kubelet: { staticPodPath: '/etc/kubernetes/manifests', unit: 'kubelet.service' },
    });
    const plan = setAsidePlan(restore, { node: 'cp3', address: '10.0.0.3:7443', report }, settings);
    expect(plan).toMatchObject({ kind: SET_ASIDE, subjectOperationId: 'r-5', cluster: 'lab' });
    expect(plan?.nodes).toMatchObject([
      { node: 'cp3', ledgerId: 'ledger-3', etcd: { dataDir: '/var/lib/etcd' } },
    ]);
  });

  it('knows the store that it finds, or that it finds none', () => {
    const of = (store: object): unknown => {
      const report = NodeReport.fromPartial({ ledgerId: 'ledger-3', etcd: { name: 'cp3', ...store } });
      return setAsidePlan(restore, { node: 'cp3', address: '', report }, settings)?.nodes[0]?.etcd?.oldStore;
    };
    const dataDirInode = { device: 1n, number: 7n };
    expect(of({ store: { dataDirInode } })).toMatchObject({ dataDirInode });
    expect(of({})).toBeUndefined();
  });

  it('is none where the node runs no member', () => {
    const report = NodeReport.fromPartial({ ledgerId: 'ledger-3' });
    expect(setAsidePlan(restore, { node: 'cp3', address: '', report }, settings)).toBeUndefined();
  });
});

it('a member that is a unit is set aside as one', () => {
  const report = NodeReport.fromPartial({
    ledgerId: 'L',
    hosting: 'systemd',
    etcd: { name: 'etcd3', dataDir: '/var/lib/etcd' },
    etcdUnit: { unit: 'etcd.service' },
  });
  const plan = setAsidePlan(
    RestorePlan.fromPartial({ operationId: 'r-5' }),
    { node: 'etcd3', address: '10.0.0.3:7443', report },
    { operationId: 'a-1', nowMs: 1, requestedBy: '' },
  );
  expect(plan?.nodes).toMatchObject([{ node: 'etcd3', hosting: 'systemd', etcdUnit: 'etcd.service' }]);
});
