import { expect, it } from 'vitest';
import {
  afterLeaseEvent,
  LEASE_MS,
  type LeaseEvent,
  type LeaseState,
  leaseRelease,
  leaseWish,
  newLease,
  otherLeader,
  UNREACHED_MS,
} from './leadership.ts';

const SELF = { coordinator: 'c1', run: 'c1.1', address: 'c1:7444' };
const OWN = { ...SELF, released: false };
const after = (...events: [atMs: number, event: LeaseEvent][]): LeaseState =>
  events.reduce((state, [atMs, event]) => afterLeaseEvent(state, event, atMs), newLease(SELF));
const read = (record: typeof OWN | undefined): LeaseEvent => ({ kind: 'read', record, revision: 1 });
const written: LeaseEvent = { kind: 'written', record: OWN, revision: 1, askedMs: 0 };

it('nothing is known at first, and nobody leads', () => {
  expect(newLease(SELF)).toMatchObject({ silent: false, current: false, settledIn: false });
  expect(otherLeader(newLease(SELF), 0)).toBeUndefined();
  expect(otherLeader(after([0, read(undefined)]), 0)).toBeUndefined();
});

it('who has it is no other', () => {
  expect(otherLeader(after([0, written]), 1)).toBeUndefined();
});

it('a lead of its own that it does not remember to have renewed is renewed at once', () => {
  expect(leaseWish(after([0, read(OWN)]), 1)).toEqual({ do: 'write', record: OWN, expectedRevision: 1 });
});

it('who was outrun, or has written, is at home: its own earlier run is none of these', () => {
  expect([after([0, { kind: 'outrun' }]).settledIn, after([0, written]).settledIn]).toEqual([true, true]);
});

it('a store that answers again is silent no more', () => {
  const silent = after([0, { kind: 'unanswered' }], [LEASE_MS, { kind: 'unanswered' }]);
  expect(silent.silent).toBe(true);
  for (const event of [read(undefined), written, { kind: 'outrun' } as const]) {
    expect(afterLeaseEvent(silent, event, LEASE_MS + 1)).toMatchObject({
      silent: false,
      unansweredSinceMs: undefined,
    });
  }
});

it('what was given up is not given up again', () => {
  const released: LeaseEvent = {
    kind: 'written',
    revision: 1,
    askedMs: 0,
    record: { ...OWN, released: true },
  };
  expect(leaseRelease(after([0, released]))).toBeUndefined();
  expect(leaseRelease(after([0, written]))).toMatchObject({ record: { released: true } });
});

it('who reaches no agent keeps the lead for a while', () => {
  const unreached = after([0, written], [0, { kind: 'reached', anyAgent: false }]);
  expect(leaseWish(unreached, UNREACHED_MS - 1)).not.toMatchObject({ record: { released: true } });
  expect(leaseWish(unreached, UNREACHED_MS)).toMatchObject({ record: { released: true } });
});
