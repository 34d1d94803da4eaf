import { describe, expect, it } from 'vitest';
import {
  afterLeaseEvent,
  LEAD_MS,
  LEASE_MS,
  type LeaderRecord,
  type LeaseEvent,
  type LeaseState,
  type LeaseWish,
  leads,
  leaseRelease,
  leaseWish,
  newLease,
  otherLeader,
  RENEW_EVERY_MS,
  RETURN_GRACE_MS,
  UNREACHED_MS,
} from './leadership.ts';

function record(coordinator: string, changes: Partial<LeaderRecord> = {}): LeaderRecord {
  return {
    coordinator,
    run: `${coordinator}.1`,
    address: `${coordinator}:7444`,
    released: false,
    ...changes,
  };
}

const SELF = record('c1');

function lease(...events: (readonly [atMs: number, event: LeaseEvent])[]): LeaseState {
  const { coordinator, run, address } = SELF;
  return events.reduce(
    (state, [atMs, event]) => afterLeaseEvent(state, event, atMs),
    newLease({ coordinator, run, address }),
  );
}

function read(found: LeaderRecord | undefined, revision: number): LeaseEvent {
  return { kind: 'read', record: found, revision };
}

function written(revision: number, askedMs: number): LeaseEvent {
  return { kind: 'written', record: SELF, revision, askedMs };
}

const UNANSWERED: LeaseEvent = { kind: 'unanswered' };
const OTHER = record('c2');

function taking(expectedRevision: number): LeaseWish {
  return { do: 'write', record: SELF, expectedRevision };
}

describe('the lead is taken', () => {
  it('after a look, never before one', () => {
    expect(leaseWish(lease(), 0)).toStrictEqual({ do: 'read' });
  });

  it('at once where nobody has it, or it was given up', () => {
    expect(leaseWish(lease([0, read(undefined, 0)]), 0)).toStrictEqual(taking(0));
    expect(leaseWish(lease([0, read(record('c2', { released: true }), 7)]), 0)).toStrictEqual(taking(7));
  });

  it('from who has not renewed it for a lease, and not a moment before', () => {
    const state = lease([0, read(OTHER, 7)]);
    expect(leaseWish(state, LEASE_MS - 1)).toStrictEqual({ do: 'read' });
    expect(leaseWish(state, LEASE_MS)).toStrictEqual(taking(7));
  });

  it('from nobody who renews', () => {
    const state = lease([0, read(OTHER, 7)], [LEASE_MS - 1, read(OTHER, 8)]);
    expect(leaseWish(state, LEASE_MS + 1)).toStrictEqual({ do: 'read' });
  });

  it('after the store was away only once who led has had time to renew', () => {
    const backMs = 3 * LEASE_MS;
    const state = lease([0, read(OTHER, 7)], [500, UNANSWERED], [backMs, read(OTHER, 7)]);
    expect(leaseWish(state, backMs + RETURN_GRACE_MS - 1)).toStrictEqual({ do: 'read' });
    expect(leaseWish(state, backMs + RETURN_GRACE_MS)).toStrictEqual(taking(7));
  });

  it('at once from its own run before, at the start and then no more', () => {
    const before = record('c1', { run: 'c1.0' });
    expect(leaseWish(lease([0, read(before, 7)]), 0)).toStrictEqual(taking(7));
    const taken = lease([0, read(before, 7)], [0, written(8, 0)], [900, read(before, 9)]);
    expect(leaseWish(taken, 900)).toStrictEqual({ do: 'read' });
    const late = lease([0, read(OTHER, 7)], [900, read(before, 8)]);
    expect(leaseWish(late, 900)).toStrictEqual({ do: 'read' });
  });

  it('by nobody who reaches no agent', () => {
    const unreached = [0, { kind: 'reached', anyAgent: false }] as const;
    const state = lease(unreached, [0, read(undefined, 0)]);
    expect(leaseWish(state, UNREACHED_MS)).toStrictEqual({ do: 'read' });
    const again = afterLeaseEvent(state, { kind: 'reached', anyAgent: true }, UNREACHED_MS);
    expect(leaseWish(again, UNREACHED_MS)).toStrictEqual(taking(0));
  });
});

describe('who leads', () => {
  const leading = lease([0, read(undefined, 0)], [20, written(1, 10)]);

  it('renews, and rests between', () => {
    expect(leads(leading, 20)).toBe(true);
    expect(leaseWish(leading, 10 + RENEW_EVERY_MS - 1)).toStrictEqual({ do: 'nothing' });
    expect(leaseWish(leading, 10 + RENEW_EVERY_MS)).toStrictEqual(taking(1));
  });

  it('leads no longer than a renewal lasts, counted from when it was asked for', () => {
    expect(leads(leading, 10 + LEAD_MS - 1)).toBe(true);
    expect(leads(leading, 10 + LEAD_MS)).toBe(false);
  });

  it('stops before another begins', () => {
    const other = afterLeaseEvent(newLease(record('c2')), read(SELF, 1), 10);
    const takesAtMs = [...Array(2 * LEASE_MS).keys()].find(
      (atMs) => leaseWish(other, atMs).do === 'write',
    ) as number;
    expect(leads(leading, takesAtMs)).toBe(false);
  });

  it('stops when another has written, and knows it', () => {
    const outrun = afterLeaseEvent(leading, { kind: 'outrun' }, 100);
    expect(leads(outrun, 100)).toBe(false);
    expect(leaseWish(outrun, 100)).toStrictEqual({ do: 'read' });
    const knows = afterLeaseEvent(outrun, read(OTHER, 2), 110);
    expect(otherLeader(knows, 110)).toStrictEqual(OTHER);
  });

  it('wakes up late without believing that it leads', () => {
    const woken = 10 + 10 * LEASE_MS;
    expect(leads(leading, woken)).toBe(false);
    // Nobody else took it: the renewal goes through only then.
    expect(leaseWish(leading, woken)).toStrictEqual(taking(1));
  });

  it('looks whether a renewal without an answer arrived, and renews it', () => {
    const unsure = afterLeaseEvent(leading, UNANSWERED, 2_000);
    expect(leads(unsure, 2_000)).toBe(true);
    expect(leaseWish(unsure, 2_000)).toStrictEqual({ do: 'read' });
    const found = afterLeaseEvent(unsure, read(SELF, 2), 2_010);
    expect(leaseWish(found, 2_010)).toStrictEqual(taking(2));
    expect(leads(found, 10 + LEAD_MS)).toBe(false);
  });

  it('renews at once when the store is back, before another may take it', () => {
    const back = afterLeaseEvent(afterLeaseEvent(leading, UNANSWERED, 2_000), read(SELF, 1), 20_000);
    expect(leaseWish(back, 20_000)).toStrictEqual(taking(1));
  });

  it('gives the lead up where it reaches no agent for long, and when it stops', () => {
    const unreached = afterLeaseEvent(leading, { kind: 'reached', anyAgent: false }, 100);
    const released = { do: 'write', record: { ...SELF, released: true }, expectedRevision: 1 };
    expect(leaseWish(unreached, 100 + UNREACHED_MS)).toStrictEqual(released);
    expect(leaseRelease(leading)).toStrictEqual(released);
    expect(leaseRelease(lease([0, read(OTHER, 1)]))).toBeUndefined();
    const gone = afterLeaseEvent(
      unreached,
      { kind: 'written', record: released.record, revision: 2, askedMs: 4_000 },
      4_000,
    );
    expect(leads(gone, 4_000)).toBe(false);
  });
});

describe('another', () => {
  it('is known to lead while it renews, not by who has long heard nothing', () => {
    const state = lease([0, read(OTHER, 7)], [400, UNANSWERED]);
    expect(otherLeader(state, LEASE_MS - 1)).toStrictEqual(OTHER);
    expect(otherLeader(state, LEASE_MS)).toBeUndefined();
    expect(otherLeader(lease([0, read(record('c2', { released: true }), 7)]), 0)).toBeUndefined();
  });
});

describe('silence', () => {
  it('is when the store was asked for a lease and did not answer, from the start on too', () => {
    expect(lease([0, UNANSWERED], [LEASE_MS - 1, UNANSWERED]).silent).toBe(false);
    expect(lease([0, UNANSWERED], [LEASE_MS, UNANSWERED]).silent).toBe(true);
    const heard = lease([0, UNANSWERED], [4_000, read(OTHER, 7)], [LEASE_MS, UNANSWERED]);
    expect(heard.silent).toBe(false);
  });

  it('is not what a paused process did not ask', () => {
    const woken = lease([0, read(undefined, 0)], [0, written(1, 0)], [10 * LEASE_MS, UNANSWERED]);
    expect(woken.silent).toBe(false);
  });
});
