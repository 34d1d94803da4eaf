import { describe, expect, test } from 'vitest';
import { authorship } from './authorship.ts';

const T1 = '2026-11-22T10:00:00Z';
const T2 = '2026-11-22T10:05:00Z';

function entry(manager: string, time: string, subresource = '') {
  return {
    manager,
    operation: 'Update',
    time,
    ...(subresource === '' ? {} : { subresource }),
    fieldsV1: { 'f:data': {} },
  };
}

function object(managedFields: readonly object[], extra: object = {}) {
  return { kind: 'ConfigMap', metadata: { creationTimestamp: T1, managedFields, ...extra } };
}

describe('who wrote a version', () => {
  test('of the first, the entry of its creation', () => {
    const found = authorship(object([entry('old', T2), entry('helm', T1)]), { created: true });
    expect(found).toMatchObject({
      tool: 'helm',
      basis: 'created',
      stamp: { timeMs: Date.parse(T1), source: 'creationTimestamp' },
    });
  });

  test('of a later one, the entry that changed, not the newest', () => {
    const before = object([entry('helm', T1), entry('kubelet', T2, 'status')]);
    const after = object([
      { ...entry('helm', T1), fieldsV1: { 'f:spec': {} } },
      entry('kubelet', T2, 'status'),
    ]);
    expect(authorship(after, { created: false, object: before })).toMatchObject({
      tool: 'helm',
      basis: 'changed',
    });
  });

  test('unknown where no entry changed: it is not guessed', () => {
    const same = object([entry('helm', T1)]);
    expect(authorship(same, { created: false, object: same })).toEqual({
      tool: '',
      operation: '',
      subresource: '',
      basis: 'unknown',
      stamp: undefined,
    });
  });

  test('the newest entry, said to be only that, where the version before is gone', () => {
    const found = authorship(object([entry('kubectl-edit', T2), entry('helm', T1)]), { created: false });
    expect(found).toMatchObject({
      tool: 'kubectl-edit',
      basis: 'newest',
      stamp: { source: 'managedFields' },
    });
  });

  test('a deletion that was asked for has its time, a grace period before the timestamp', () => {
    const before = object([entry('helm', T1)]);
    const after = object([entry('helm', T1)], { deletionTimestamp: T2, deletionGracePeriodSeconds: 30 });
    expect(authorship(after, { created: false, object: before })).toMatchObject({
      tool: '',
      stamp: { timeMs: Date.parse(T2) - 30_000, source: 'deletionTimestamp' },
    });
  });

  test('of events and leases, their own words', () => {
    const event = { kind: 'Event', source: { component: 'kubelet' }, lastTimestamp: T2, metadata: {} };
    expect(authorship(event, { created: true })).toMatchObject({
      tool: 'kubelet',
      basis: 'component',
      stamp: { source: 'event' },
    });
    const lease = { kind: 'Lease', spec: { holderIdentity: 'cp1', renewTime: T2 } };
    expect(authorship(lease, { created: false })).toMatchObject({ tool: 'cp1', stamp: { source: 'lease' } });
  });

  test('hostile metadata says nothing and breaks nothing', () => {
    const hostile = { kind: 'Pod', metadata: { managedFields: 'x', creationTimestamp: { a: 1 } } };
    expect(authorship(hostile, { created: true }).stamp).toBeUndefined();
    expect(authorship({ kind: 'Pod', metadata: { managedFields: [null, 7] } }, { created: false }).tool).toBe(
      '',
    );
  });
});
