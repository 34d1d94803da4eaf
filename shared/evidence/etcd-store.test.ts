import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { message } from '../kubernetes/testing/wire-writer.ts';
import {
  damaged,
  type Entry,
  putRow,
  revisionName,
  sealed,
  tombstoneRow,
  writeStore,
} from '../snapshot/testing/store-writer.ts';
import { TemporaryFiles } from '../snapshot/testing/temporary-file.ts';
import type { Row } from './evidence.ts';
import { openEvidence } from './open.ts';

const files = new TemporaryFiles();
afterAll(() => files[Symbol.dispose]());

const LEASE = 0x694d8e9e05c52164n;
const rows: Entry[] = [
  putRow(2, 0, '/registry/namespaces/default', 'ns'),
  [
    revisionName(3, 0),
    message([1, '/registry/events/a'], [2, 3n], [3, 3n], [4, 7n], [5, 'event'], [6, LEASE]),
  ],
  putRow(4, 0, 'compact_rev_key', '2'),
  putRow(4, 1, '/registry/pods/a/\u00ff', 'pod'),
  tombstoneRow(5, 0, '/registry/events/a'),
];
const buckets = {
  key: rows,
  meta: [
    ['finishedCompactRev', revisionName(1, 0)],
    ['scheduledCompactRev', revisionName(2, 0)],
    ['storageVersion', '3.6.0'],
  ] as Entry[],
  lease: [[Buffer.from('694d8e9e05c52164', 'hex'), message([1, LEASE], [2, 3600n], [3, 20n])]] as Entry[],
  alarm: [[message([1, 0xdeadn], [2, 1n]), '']] as Entry[],
  auth: [['authEnabled', Buffer.of(1)]] as Entry[],
  members: [['8e9e05c52164694d', '{"name":"cp1","peerURLs":["https://10.0.0.1:2380"]}']] as Entry[],
};

function readAll(path: string): Row[] {
  using evidence = openEvidence(path);
  const all: Row[] = [];
  evidence.rows(({ main, sub, deleted, key, createRevision, version, lease, value }) => {
    all.push({ main, sub, deleted, key, createRevision, version, lease, value: Buffer.from(value) });
  });
  return all;
}

describe('an etcd file as evidence', () => {
  it('tells every row, in order of revision', () => {
    const all = readAll(files.write(sealed(writeStore(buckets))));
    expect(all.map(({ main, sub, key }) => `${main}.${sub} ${key}`)).toEqual([
      '2.0 /registry/namespaces/default',
      '3.0 /registry/events/a',
      '4.0 compact_rev_key',
      '4.1 /registry/pods/a/Ã¿',
      '5.0 /registry/events/a',
    ]);
    expect(all[1]).toEqual({
      main: 3,
      sub: 0,
      deleted: false,
      key: '/registry/events/a',
      createRevision: 3,
      version: 7,
      lease: '694d8e9e05c52164',
      value: Buffer.from('event'),
    });
    expect(all[4]).toMatchObject({ deleted: true, createRevision: 0, version: 0, lease: '' });
  });

  it('tells what is in it', () => {
    using evidence = openEvidence(files.write(sealed(writeStore(buckets))));
    expect(evidence.form).toBe('etcd');
    expect(evidence.facts).toEqual({
      revision: 5,
      compactRevision: 1,
      scheduledCompactRevision: 2,
      apiServerCompactRevision: 2,
      transactionId: 7n,
      registryPrefix: '/registry',
      members: [
        {
          id: '8e9e05c52164694d',
          name: 'cp1',
          peerUrls: ['https://10.0.0.1:2380'],
          clientUrls: [],
          learner: false,
        },
      ],
      leases: [{ id: '694d8e9e05c52164', ttlSeconds: 3600 }],
      alarms: ['NOSPACE at dead'],
      authEnabled: true,
      storageVersion: '3.6.0',
    });
  });

  it('gives a value while rows are visited', () => {
    using evidence = openEvidence(files.write(sealed(writeStore(buckets))));
    const found: string[] = [];
    evidence.rows((row) => {
      const before = Buffer.from(row.value).toString();
      const value = evidence.value(row.main, row.sub);
      expect(Buffer.from(row.value).toString()).toBe(before);
      found.push(value === undefined ? '-' : Buffer.from(value).toString());
    });
    expect(found).toEqual(['ns', 'event', '2', 'pod', '-']);
    expect(evidence.value(99, 0)).toBeUndefined();
  });

  it('takes the prefix with the most rows where several clusters lie in one store', () => {
    const key = [
      putRow(2, 0, '/a/namespaces/default', ''),
      putRow(3, 0, '/b/namespaces/default', ''),
      putRow(4, 0, '/b/pods/x/y', ''),
    ];
    using evidence = openEvidence(files.write(writeStore({ key, meta: [['x', 'y']] })));
    expect(evidence.facts.registryPrefix).toBe('/b');
  });

  it('notes a trailer that is missing, cut off, or does not match', () => {
    const image = writeStore(buckets);
    const notes = (bytes: Buffer) => {
      using evidence = openEvidence(files.write(bytes));
      return evidence.notes.join('\n');
    };
    expect(notes(sealed(image))).toBe('');
    expect(notes(image)).toMatch('no SHA-256 at its end');
    expect(notes(sealed(image).subarray(0, -5))).toMatch('5 of its bytes are missing');
    expect(notes(damaged(sealed(image), (copy) => copy.write('x', copy.indexOf('event'))))).toMatch(
      'does not match',
    );
  });

  it('says that a log beside the file is not read', () => {
    const snap = join(files.directory, 'member/snap');
    mkdirSync(snap, { recursive: true });
    mkdirSync(join(files.directory, 'member/wal'));
    writeFileSync(join(files.directory, 'member/wal/0.wal'), '');
    writeFileSync(join(snap, 'db'), writeStore(buckets));
    using evidence = openEvidence(join(snap, 'db'));
    expect(evidence.notes.join()).toMatch('log beside the file');
  });

  it('refuses a bbolt file of somebody else', () => {
    const path = files.write(writeStore({ boxes: [['a', 'b']] }));
    expect(() => readAll(path)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' }));
  });
});
