import { DatabaseSync } from 'node:sqlite';
import type { Row } from '@lockstep/shared/evidence/evidence.ts';
import { undecodedText } from '@lockstep/shared/kubernetes/decoded.ts';
import { at, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import { visitLive } from '../../analysis/live.ts';
import { Mask } from '../../analysis/mask.ts';
import { placeOf, utf8 } from '../../analysis/resource-name.ts';
import { storedKind } from '../../analysis/stored-kind.ts';
import { Exported, type ExportRequest } from './exported.ts';

const SCHEMA = `
  CREATE TABLE store (name TEXT PRIMARY KEY, value TEXT) STRICT;
  CREATE TABLE objects (
    key TEXT PRIMARY KEY, resource TEXT, namespace TEXT, name TEXT, kind TEXT, api_version TEXT, uid TEXT,
    created TEXT, mod_revision INTEGER, create_revision INTEGER, version INTEGER, lease TEXT,
    size_bytes INTEGER, stored_as TEXT, encryption TEXT, object TEXT, undecoded TEXT
  ) STRICT;
  CREATE TABLE history (
    key TEXT, resource TEXT, namespace TEXT, name TEXT, revision INTEGER, sub INTEGER, deleted INTEGER,
    create_revision INTEGER, version INTEGER, lease TEXT, size_bytes INTEGER, carved_page INTEGER,
    object TEXT, undecoded TEXT
  ) STRICT;
  CREATE TABLE leases (id TEXT PRIMARY KEY, ttl_seconds INTEGER) STRICT;
  CREATE TABLE members (id TEXT PRIMARY KEY, name TEXT, peer_urls TEXT, client_urls TEXT, learner INTEGER) STRICT;
`;
/** After the rows are in: that is faster. */
const INDEXES = `
  CREATE INDEX objects_by_place ON objects (resource, namespace, name);
  CREATE INDEX history_by_key ON history (key, revision);
  CREATE INDEX history_by_revision ON history (revision);
`;

/** One SQLite file of everything that the store holds, the values of secrets masked unless asked for. */
export function exportSqlite(request: ExportRequest): Exported {
  const exported = new Exported();
  using database = new DatabaseSync(request.directory.create('store.sqlite'));
  // The file is made anew: what does not get to its end is made again.
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;');
  database.exec(SCHEMA);
  database.exec('BEGIN');
  writeFacts(request, database);
  const decode = decoderOf(request);
  writeObjects(request, database, decode, exported);
  writeHistory(request, database, decode);
  database.exec('COMMIT');
  database.exec(INDEXES);
  return exported;
}

function writeFacts({ evidence }: ExportRequest, database: DatabaseSync): void {
  const { facts, path, form, notes } = evidence;
  const store = database.prepare('INSERT INTO store VALUES (?, ?)');
  const { members, leases, ...rest } = facts;
  for (const [name, value] of Object.entries({ path, form, notes, ...rest })) {
    if (value !== undefined)
      store.run(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  const lease = database.prepare('INSERT OR REPLACE INTO leases VALUES (?, ?)');
  for (const { id, ttlSeconds } of leases) lease.run(id, ttlSeconds);
  const member = database.prepare('INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?)');
  for (const { id, name, peerUrls, clientUrls, learner } of members) {
    member.run(id, name, peerUrls.join(','), clientUrls.join(','), learner ? 1 : 0);
  }
}

interface DecodedRow {
  readonly json: string | null;
  readonly undecoded: string;
  readonly apiVersion: string;
  readonly uid: string;
  readonly created: string;
}

const NOTHING: DecodedRow = { json: null, undecoded: '', apiVersion: '', uid: '', created: '' };

function decoderOf({ decoder, showSecrets }: ExportRequest): (row: Row) => DecodedRow {
  const mask = new Mask({ showSecrets });
  return ({ key, main, value }) => {
    if (value.length === 0) return NOTHING;
    const decoded = decoder.decode(value, { key, modRevision: main });
    if (decoded.form !== 'object') return { ...NOTHING, undecoded: undecodedText(decoded) };
    const object = mask.object(decoded.object);
    return {
      json: JSON.stringify(object),
      undecoded: '',
      apiVersion: textOf(object['apiVersion']),
      uid: textOf(at(object, 'metadata', 'uid')),
      created: textOf(at(object, 'metadata', 'creationTimestamp')),
    };
  };
}

type Decode = ReturnType<typeof decoderOf>;

function writeObjects(
  { evidence }: ExportRequest,
  database: DatabaseSync,
  decode: Decode,
  exported: Exported,
): void {
  const insert = database.prepare(`INSERT OR REPLACE INTO objects VALUES (${'?, '.repeat(16)}?)`);
  visitLive(evidence, { everyKey: true }, (row, { resource, namespace, name }) => {
    const { json, undecoded, apiVersion, uid, created } = decode(row);
    const { kind, storedAs, encryption } = storedKind(row.value);
    insert.run(
      utf8(row.key),
      resource,
      namespace,
      name,
      kind,
      apiVersion,
      uid,
      created,
      row.main,
      row.createRevision,
      row.version,
      row.lease,
      row.value.length,
      storedAs,
      encryption,
      json,
      undecoded,
    );
    exported.objects++;
  });
}

function writeHistory({ evidence }: ExportRequest, database: DatabaseSync, decode: Decode): void {
  const insert = database.prepare(`INSERT INTO history VALUES (${'?, '.repeat(13)}?)`);
  const { registryPrefix } = evidence.facts;
  const write = (row: Row, page: number | null): void => {
    const { resource, namespace, name } = placeOf(row.key, registryPrefix);
    const { json, undecoded } = decode(row);
    insert.run(
      utf8(row.key),
      resource,
      namespace,
      name,
      row.main,
      row.sub,
      row.deleted ? 1 : 0,
      row.createRevision,
      row.version,
      row.lease,
      row.value.length,
      page,
      json,
      undecoded,
    );
  };
  evidence.rows((row) => write(row, null));
  evidence.carved((row) => {
    // A copy of a row that the store itself still shows is nothing carved.
    if (evidence.value(row.main, row.sub) === undefined) write(row, row.page);
  });
}
