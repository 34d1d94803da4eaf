import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Evidence } from './evidence.ts';
import { openEvidence } from './open.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-kine-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

type Columns = readonly [
  id: number,
  name: string,
  created: number,
  deleted: number,
  createRevision: number,
  prevRevision: number,
  lease: number,
  value: string | null,
  oldValue: string | null,
];

/** The table as kine makes it; `name` was declared INTEGER up to 0.14. */
function store(rows: readonly Columns[], nameType: 'TEXT' | 'INTEGER' = 'TEXT'): DatabaseSync {
  const database = new DatabaseSync(join(directory, 'state.db'));
  database.exec(`CREATE TABLE kine (id INTEGER PRIMARY KEY AUTOINCREMENT, name ${nameType}, created INTEGER,
    deleted INTEGER, create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB)`);
  database.exec('CREATE UNIQUE INDEX kine_name_prev_revision_uindex ON kine (name, prev_revision)');
  const insert = database.prepare('INSERT INTO kine VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const blob = (text: string | null) => (text === null ? null : Buffer.from(text));
  for (const [id, name, created, deleted, create, previous, lease, value, old] of rows) {
    insert.run(id, name, created, deleted, create, previous, lease, blob(value), blob(old));
  }
  return database;
}

/** Compacted at 3: what came before of `c` and `s` is gone, but for what the next row says that it replaced. */
const ROWS: readonly Columns[] = [
  [1, 'compact_rev_key', 1, 0, 0, 3, 0, '', null],
  [4, '/registry/namespaces/default', 1, 0, 0, 0, 0, 'ns', null],
  [5, '/registry/secrets/a/s', 0, 1, 0, 3, 0, null, 'hidden'],
  [6, '/registry/pods/a/p', 1, 0, 0, 0, 0, 'one', null],
  [7, '/registry/pods/a/p', 0, 0, 6, 6, 0, 'two', 'one'],
  [8, 'gap-8', 0, 1, 0, 0, 0, null, null],
  [9, '/registry/events/a/e', 1, 0, 0, 0, 3600, 'event', null],
  [10, '/registry/configmaps/a/c', 0, 0, 1, 2, 0, 'new', 'old'],
  [11, '/registry/pods/a/p', 0, 1, 6, 7, 0, 'two', 'two'],
  [12, '/registry/pods/a/p', 1, 0, 0, 11, 0, 'again', null],
  [13, 'compact_rev_key_apiserver', 1, 0, 0, 0, 0, '4|2', null],
  [14, '/registry/health', 1, 0, 0, 0, 0, '{"health":"true"}', null],
  [15, '/registry/pods/a/q', 1, 0, 0, 1000, 0, 'anew', 'what was deleted, as kine kept it up to 0.15'],
];

function told(evidence: Evidence): string[] {
  const all: string[] = [];
  evidence.rows((row) => {
    const what = `${row.deleted ? '-' : '+'}${Buffer.from(row.value).toString()}`;
    all.push(
      `${row.main} ${row.key} ${what} created ${row.createRevision} version ${row.version} ${row.lease}`.trim(),
    );
  });
  return all;
}

const EXPECTED = [
  '4 /registry/namespaces/default +ns created 4 version 1',
  '5 /registry/secrets/a/s -hidden created 0 version 0',
  '6 /registry/pods/a/p +one created 6 version 1',
  '7 /registry/pods/a/p +two created 6 version 2',
  '9 /registry/events/a/e +event created 9 version 1 0000000000000e10',
  '10 /registry/configmaps/a/c +new created 1 version 0',
  '11 /registry/pods/a/p -two created 0 version 0',
  '12 /registry/pods/a/p +again created 12 version 1',
  '15 /registry/pods/a/q +anew created 15 version 1',
];

describe('kine’s SQLite as evidence', () => {
  it.each(['TEXT', 'INTEGER'] as const)('tells every row but kine’s own, names being %s', (nameType) => {
    store(ROWS, nameType).close();
    using evidence = openEvidence(join(directory, 'state.db'));
    expect(evidence.form).toBe('kine');
    expect(told(evidence)).toEqual(EXPECTED);
    expect(Buffer.from(evidence.value(7, 0) ?? []).toString()).toBe('two');
    expect([
      evidence.value(11, 0),
      evidence.value(7, 1),
      evidence.value(99, 0),
      evidence.value(14, 0),
    ]).toEqual(Array(4).fill(undefined));
  });

  it('tells what is in it', () => {
    store(ROWS).close();
    using evidence = openEvidence(join(directory, 'state.db'));
    expect(evidence.facts).toEqual({
      revision: 15,
      compactRevision: 3,
      scheduledCompactRevision: 3,
      apiServerCompactRevision: 2,
      transactionId: undefined,
      registryPrefix: '/registry',
      members: [],
      leases: [{ id: '0000000000000e10', ttlSeconds: 3600 }],
      alarms: [],
      authEnabled: false,
      storageVersion: '',
    });
  });

  it('carves what compacted rows held out of the rows that replaced them', () => {
    store(ROWS).close();
    using evidence = openEvidence(join(directory, 'state.db'));
    const found: unknown[] = [];
    evidence.carved(({ main, key, deleted, value, createRevision, page }) =>
      found.push([main, key, deleted, Buffer.from(value).toString(), createRevision, page]),
    );
    expect(found).toEqual([
      [2, '/registry/configmaps/a/c', false, 'old', 1, 0],
      [3, '/registry/secrets/a/s', false, 'hidden', 0, 0],
      [1000, '/registry/pods/a/q', true, 'what was deleted, as kine kept it up to 0.15', 0, 0],
    ]);
  });

  it('leaves the file, and what lies beside it, as they are', () => {
    store(ROWS).close();
    const path = join(directory, 'state.db');
    const before = readFileSync(path);
    {
      using evidence = openEvidence(path);
      told(evidence);
      evidence.carved(() => undefined);
      expect([evidence.facts.revision, evidence.notes.length]).toEqual([15, 1]);
    }
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(directory)).toEqual(['state.db']);
  });

  it('reads a log that lies beside it, and changes neither', () => {
    const live = new DatabaseSync(join(directory, 'live.db'));
    live.exec('PRAGMA journal_mode = WAL');
    live.close();
    copyFileSync(join(directory, 'live.db'), join(directory, 'state.db'));
    const writer = store(ROWS);
    const evidenceDirectory = mkdtempSync(join(directory, 'copied-'));
    for (const name of ['state.db', 'state.db-wal'])
      copyFileSync(join(directory, name), join(evidenceDirectory, name));
    writer.close();
    const digests = () =>
      readdirSync(evidenceDirectory).map(
        (name) =>
          `${name} ${createHash('sha256')
            .update(readFileSync(join(evidenceDirectory, name)))
            .digest('hex')}`,
      );
    const before = digests();
    const copies = () => readdirSync(tmpdir()).filter((name) => name.startsWith('lockstep-evidence-')).length;
    const copiesBefore = copies();
    {
      using evidence = openEvidence(join(evidenceDirectory, 'state.db'));
      expect(told(evidence)).toEqual(EXPECTED);
      expect(evidence.notes.join()).toMatch('Read together with state.db-wal');
    }
    expect(digests()).toEqual(before);
    expect(copies()).toBe(copiesBefore);

    // The file alone holds nothing yet: the copying that K3s' users get wrong.
    rmSync(join(evidenceDirectory, 'state.db-wal'));
    expect(() => openEvidence(join(evidenceDirectory, 'state.db'))).toThrow(
      expect.objectContaining({
        code: 'SNAPSHOT_CORRUPT',
        message: expect.stringMatching('without the log'),
      }),
    );
  });

  it('names a damaged file', () => {
    store(ROWS).close();
    const path = join(directory, 'state.db');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0x5a, 4096));
    expect(() => {
      using evidence = openEvidence(path);
      told(evidence);
    }).toThrow(expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' }));
  });

  it.each([
    ['PK\x03\x04', 'ZIP'],
    ['\x1f\x8b', 'gzip'],
    ['age-encryption.org/v1\n', 'age'],
  ])('says what to do with a packed file (%j)', (mark, what) => {
    const path = join(directory, 'packed');
    writeFileSync(path, Buffer.from(`${mark}${' '.repeat(5000)}`, 'latin1'));
    expect(() => openEvidence(path)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(what) }),
    );
  });

  it('names a directory', () => {
    expect(() => openEvidence(directory)).toThrow(expect.objectContaining({ code: 'FILE_NOT_READABLE' }));
  });
});
