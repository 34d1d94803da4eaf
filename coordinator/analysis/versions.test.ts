import type { Decoded } from '@lockstep/shared/kubernetes/decoded.ts';
import { describe, expect, test } from 'vitest';
import { keyOf } from './asked.ts';
import { putAt, requireWhole } from './at-revision.ts';
import { Mask } from './mask.ts';
import { memoryEvidence } from './testing/memory-evidence.ts';
import { collectFacts } from './timeline/collect.ts';
import { type Fact, Facts, factFilter } from './timeline/fact.ts';
import { timesketchLine } from './timeline/timesketch.ts';
import { versionsOf } from './versions.ts';

const decoder = {
  decode: (value: Uint8Array): Decoded => ({
    form: 'object',
    object: JSON.parse(Buffer.from(value).toString()),
    described: true,
    storedAs: 'json',
  }),
};
const KEY = '/registry/configmaps/a/app';
const OPTIONS = { mask: new Mask({ showSecrets: false }), all: false };

function map(minute: number, data: object, managers: readonly (readonly [string, number])[]): string {
  const time = (at: number) => `2026-11-22T10:${String(at).padStart(2, '0')}:00Z`;
  return JSON.stringify({
    kind: 'ConfigMap',
    metadata: {
      creationTimestamp: time(minute),
      managedFields: managers.map(([manager, at]) => ({
        manager,
        operation: 'Update',
        time: time(at),
        fieldsV1: { 'f:data': {} },
      })),
    },
    data,
  });
}

const evidence = memoryEvidence(
  [
    { main: 10, key: KEY, value: map(0, { level: 'info' }, [['helm', 0]]) },
    {
      main: 11,
      key: KEY,
      value: map(0, { level: 'debug' }, [
        ['helm', 0],
        ['kubectl-edit', 5],
      ]),
    },
    { main: 12, key: '/registry/configmaps/a/b', value: map(6, {}, [['helm', 6]]) },
    { main: 13, key: KEY },
    { main: 14, key: '/registry/configmaps/a/c', value: map(9, {}, [['helm', 9]]) },
    { main: 15, key: KEY, value: map(10, { level: 'trace' }, [['kubectl-create', 10]]) },
  ],
  { compactRevision: 0 },
  [
    { main: 11, key: KEY, value: 'a copy of what is there', page: 6 },
    { main: 4, key: '/registry/configmaps/a/lost', value: map(1, {}, [['helm', 1]]), page: 7 },
  ],
);

describe('the versions of a key', () => {
  const versions = versionsOf(evidence, decoder, KEY, OPTIONS);

  test('are all that is there, with who wrote each', () => {
    expect(
      versions.map(({ revision, operation, authorship }) => [revision, operation, authorship.tool]),
    ).toEqual([
      [10, 'created', 'helm'],
      [11, 'changed', 'kubectl-edit'],
      [13, 'deleted', ''],
      [15, 'created', 'kubectl-create'],
    ]);
  });

  test('compare within one life alone', () => {
    expect(versions[1]?.changes?.map(({ path }) => path)).toContain('data.level');
    expect(versions[3]?.changes).toBeUndefined();
  });

  test('bound a deletion by its neighbours', () => {
    expect(versions[2]?.interval).toEqual({
      after: { revision: 12, timeMs: Date.parse('2026-11-22T10:06:00Z') },
      before: { revision: 14, timeMs: Date.parse('2026-11-22T10:09:00Z') },
    });
  });

  test('never put a deletion before the last change of the same key', () => {
    const alone = memoryEvidence([
      { main: 2, key: KEY, value: map(0, {}, [['helm', 0]]) },
      {
        main: 3,
        key: KEY,
        value: map(0, { a: 1 }, [
          ['helm', 0],
          ['kubectl-edit', 30],
        ]),
      },
      { main: 4, key: KEY },
    ]);
    const after = { revision: 3, timeMs: Date.parse('2026-11-22T10:30:00Z') };
    expect(versionsOf(alone, decoder, KEY, OPTIONS)[2]?.interval).toEqual({ after });
    const told: Fact[] = [];
    collectFacts(alone, decoder, { all: false }, (fact) => told.push(fact));
    expect(told.find(({ what }) => what === 'deleted')?.interval).toEqual({ after });
  });

  test('tell what is carved as carved, and a copy of a row that is there not', () => {
    const [lost] = versionsOf(evidence, decoder, '/registry/configmaps/a/lost', OPTIONS);
    expect(lost).toMatchObject({ revision: 4, carvedPage: 7 });
    expect(versions.some(({ carvedPage }) => carvedPage !== undefined)).toBe(false);
  });

  test('say how many before them are gone', () => {
    const compacted = memoryEvidence([{ main: 10, key: KEY, value: map(0, {}, []) }]);
    const rows = compacted.rows.bind(compacted);
    const late = {
      ...compacted,
      rows: (visit: Parameters<typeof rows>[0]) =>
        rows((row) => visit({ ...row, createRevision: 3, version: 8 })),
    };
    expect(versionsOf(late, decoder, KEY, OPTIONS)[0]).toMatchObject({ operation: 'kept', missing: 7 });
  });
});

describe('what a key held', () => {
  test.each([
    [10, 'info'],
    [12, 'debug'],
    [15, 'trace'],
    [undefined, 'trace'],
  ])('at revision %s', (revision, level) => {
    const { value } = putAt(evidence, KEY, revision);
    expect(JSON.parse(Buffer.from(value).toString()).data.level).toBe(level);
  });

  test('is told not to be there, to be deleted, to be later than the store', () => {
    expect(() => putAt(evidence, KEY, 14)).toThrow('deleted at revision 13');
    expect(() => putAt(evidence, KEY, 9)).toThrow('holds no');
    expect(() => putAt(evidence, KEY, 16)).toThrow('ends at revision 15');
  });

  test('is told to be compacted, with the revision, and never to be nothing', () => {
    const compacted = memoryEvidence(
      [
        { main: 10, key: '/registry/a/old', value: '{}' },
        { main: 30, key: KEY, value: '{}' },
      ],
      { compactRevision: 20 },
    );
    expect(() => putAt(compacted, KEY, 15)).toThrow(/compacted at revision 20/u);
    expect(() => requireWhole(compacted, 19)).toThrow(/compacted at revision 20/u);
    // At the compaction's own revision all is known; and what survived it was so before.
    expect(() => putAt(compacted, KEY, 20)).toThrow('holds no');
    expect(putAt(compacted, '/registry/a/old', 15).main).toBe(10);
  });
});

test('a name may mean several keys, and then is not guessed', () => {
  const two = memoryEvidence([
    { main: 2, key: '/registry/pods/a/x', value: '{}' },
    { main: 3, key: '/registry/pods/b/x' },
  ]);
  expect(() => keyOf(two, { what: 'po', name: 'x' })).toThrow('2 keys');
  expect(keyOf(two, { what: 'pod/x', namespace: 'b' })).toBe('/registry/pods/b/x');
  expect(keyOf(two, { what: '/registry/pods/a/x' })).toBe('/registry/pods/a/x');
  expect(() => keyOf(two, { what: 'po', name: 'y' })).toThrow('holds no po y');
});

describe('the timeline', () => {
  const told: Fact[] = [];
  const facts = new Facts({ several: false });
  collectFacts(evidence, decoder, { all: false }, (fact) => facts.add(fact));
  facts.each((fact) => told.push(fact));

  test('is in order of time, each fact with what says so', () => {
    expect(told.map(({ what, name, source, tool }) => [what, name, source, tool])).toEqual([
      ['created', 'app', 'row', 'helm'],
      ['created', 'lost', 'carved', 'helm'],
      ['changed', 'app', 'row', 'kubectl-edit'],
      ['created', 'b', 'row', 'helm'],
      ['deleted', 'app', 'tombstone', ''],
      ['created', 'c', 'row', 'helm'],
      ['created', 'app', 'row', 'kubectl-create'],
    ]);
  });

  test('is chosen from by time, tool and resource; what may lie within counts', () => {
    const between = factFilter({
      sinceMs: Date.parse('2026-11-22T10:07:00Z'),
      untilMs: Date.parse('2026-11-22T10:08:00Z'),
    });
    expect(told.filter(between).map(({ what }) => what)).toEqual(['deleted']);
    expect(told.filter(factFilter({ tool: 'EDIT' }))).toHaveLength(1);
    expect(told.filter(factFilter({ resource: 'pods' }))).toEqual([]);
  });

  test('of two files tells a thing once', () => {
    const both = new Facts({ several: true });
    for (let file = 0; file < 2; file++)
      collectFacts(evidence, decoder, { all: false }, (fact) => both.add(fact));
    expect(both.size).toBe(told.length);
  });

  test('gives Timesketch its three fields in every line', () => {
    for (const fact of told) {
      const line = JSON.parse(timesketchLine(fact)!);
      expect(line).toMatchObject({ message: expect.any(String), timestamp_desc: expect.any(String) });
      expect(new Date(line.datetime).getTime()).toBe(line.timestamp / 1000);
    }
  });
});
