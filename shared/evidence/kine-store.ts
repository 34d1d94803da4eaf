import { corrupt } from '../snapshot/bbolt/corrupt.ts';
import { leaseId } from './etcd-row.ts';
import type { CarvedRow, Evidence, EvidenceFacts, Lease, Row } from './evidence.ts';
import { KineFile, reading } from './kine-file.ts';
import { KubernetesTrace } from './kubernetes-trace.ts';

/** kine's own mark of how far it compacted: in `prev_revision` of this row. */
const COMPACTION_KEY = 'compact_rev_key';
/** Where kine puts what kube-apiserver writes to `compact_rev_key`: "version|revision"; older ones only the version. */
const API_SERVER_COMPACTION_KEY = 'compact_rev_key_apiserver';
/** Rows that kine writes for itself: no key of anybody's. */
const OWN_KEYS = new Set([COMPACTION_KEY, API_SERVER_COMPACTION_KEY, '/registry/health']);
const GAP_PREFIX = 'gap-';

/** As SQLite gives it: names as bytes, because an older schema has them as numbers where they look so. */
interface Stored {
  readonly id: number;
  readonly name: Uint8Array;
  readonly created: number;
  readonly deleted: number;
  readonly create_revision: number;
  readonly prev_revision: number;
  readonly lease: number;
  readonly value: Uint8Array | null;
  readonly old_value: Uint8Array | null;
}

const COLUMNS = `id, CAST(name AS BLOB) AS name, created, deleted, create_revision, prev_revision,
  COALESCE(lease, 0) AS lease, CAST(value AS BLOB) AS value, CAST(old_value AS BLOB) AS old_value`;
const NOTHING = new Uint8Array(0);

/**
 * kine's table in SQLite, as K3s keeps it: a row per revision, its number the revision. What a row
 * replaced stands in the row again (`old_value`), so that a compaction leaves of each key the
 * value before its oldest row: that is what `carved` tells.
 */
export class KineStore implements Evidence {
  readonly path: string;
  readonly form = 'kine';
  readonly #file: KineFile;
  #facts: EvidenceFacts | undefined;

  /** Throws SNAPSHOT_NOT_FOUND, SNAPSHOT_CORRUPT. */
  constructor(path: string) {
    this.path = path;
    this.#file = new KineFile(path);
    try {
      const tables = this.#ask<{ name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'kine'",
      );
      if (tables.length === 0) {
        throw corrupt(
          `${path} has no table kine: it is no store of K3s, or it was copied without the log beside it (-wal).`,
        );
      }
    } catch (thrown) {
      this.#file[Symbol.dispose]();
      throw thrown;
    }
  }

  get facts(): EvidenceFacts {
    this.#facts ??= this.#readFacts();
    return this.#facts;
  }

  get notes(): readonly string[] {
    const { companions } = this.#file;
    return [
      'SQLite keeps no digest of the whole: whether bytes of the file were changed cannot be told from it.',
      ...(companions.length === 0
        ? []
        : [`Read together with ${companions.join(' and ')}, from a copy: the newest rows are in there.`]),
    ];
  }

  rows(visit: (row: Row) => void): void {
    /** Puts since each key was created; without an entry where its creation is gone. */
    const versions = new Map<string, number>();
    this.#each((stored) => {
      const key = keyOf(stored);
      if (isOwn(key)) return;
      const deleted = stored.deleted !== 0;
      let version = 0;
      if (deleted) {
        versions.delete(key);
      } else {
        version = stored.created !== 0 ? 1 : (versions.get(key) ?? Number.NaN) + 1;
        if (Number.isNaN(version)) version = 0;
        else versions.set(key, version);
      }
      visit({
        main: stored.id,
        sub: 0,
        deleted,
        key,
        createRevision: deleted ? 0 : createRevisionOf(stored),
        version,
        lease: leaseOf(stored),
        // Of a deletion, what the key held. Up to 0.15 it stood in `value` as well.
        value: (deleted ? (stored.old_value ?? stored.value) : stored.value) ?? NOTHING,
      });
    });
  }

  value(main: number, sub: number): Uint8Array | undefined {
    if (sub !== 0) return undefined;
    const [stored] = this.#ask<Stored>(`SELECT ${COLUMNS} FROM kine WHERE id = ?`, main);
    if (stored === undefined || stored.deleted !== 0 || isOwn(keyOf(stored))) return undefined;
    return stored.value ?? NOTHING;
  }

  carved(visit: (row: CarvedRow) => void): void {
    const gone = `SELECT ${COLUMNS} FROM kine AS kv
      WHERE prev_revision != 0 AND old_value IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM kine AS before WHERE before.id = kv.prev_revision)
      ORDER BY prev_revision`;
    this.#each((stored) => {
      const key = keyOf(stored);
      if (isOwn(key)) return;
      // A key created anew replaced its own deletion, which kept what the key had held (up to 0.15).
      const deleted = stored.created !== 0;
      visit({
        main: stored.prev_revision,
        sub: 0,
        deleted,
        key,
        // A row that deletes does not say when the key was created.
        createRevision: deleted || stored.deleted !== 0 ? 0 : stored.create_revision,
        version: 0,
        lease: '',
        value: stored.old_value ?? NOTHING,
        page: 0,
      });
    }, gone);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #readFacts(): EvidenceFacts {
    const trace = new KubernetesTrace();
    const leases = new Map<string, Lease>();
    this.rows((row) => {
      trace.row(row);
      if (row.lease !== '') {
        leases.set(row.lease, { id: row.lease, ttlSeconds: Number.parseInt(row.lease, 16) });
      }
    });
    const [newest] = this.#ask<{ id: number | null }>('SELECT MAX(id) AS id FROM kine');
    const [compacted] = this.#ask<{ id: number | null }>(
      'SELECT MAX(prev_revision) AS id FROM kine WHERE name = ?',
      COMPACTION_KEY,
    );
    return {
      revision: newest?.id ?? 0,
      compactRevision: compacted?.id ?? 0,
      scheduledCompactRevision: compacted?.id ?? 0,
      apiServerCompactRevision: this.#apiServerCompactRevision(),
      transactionId: undefined,
      registryPrefix: trace.registryPrefix((visit) => this.rows(visit)),
      members: [],
      leases: [...leases.values()],
      alarms: [],
      authEnabled: false,
      storageVersion: '',
    };
  }

  #apiServerCompactRevision(): number | undefined {
    const [row] = this.#ask<Stored>(
      `SELECT ${COLUMNS} FROM kine WHERE name = ? ORDER BY id DESC LIMIT 1`,
      API_SERVER_COMPACTION_KEY,
    );
    const said = /^\d+\|(\d{1,15})$/.exec(Buffer.from(row?.value ?? NOTHING).toString('latin1'));
    return said === null ? undefined : Number(said[1]);
  }

  #each(visit: (row: Stored) => void, query = `SELECT ${COLUMNS} FROM kine ORDER BY id`): void {
    const rows = reading(this.path, () => this.#file.database.prepare(query).iterate());
    for (;;) {
      // Only SQLite's own step is held to be a reading: what a visitor throws is his.
      const next = reading(this.path, () => rows.next());
      if (next.done === true) return;
      visit(next.value as unknown as Stored);
    }
  }

  #ask<Result>(query: string, ...values: readonly (string | number)[]): Result[] {
    return reading(this.path, () => this.#file.database.prepare(query).all(...values) as unknown as Result[]);
  }
}

function keyOf(stored: Stored): string {
  const { buffer, byteOffset, byteLength } = stored.name;
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

function isOwn(key: string): boolean {
  return OWN_KEYS.has(key) || key.startsWith(GAP_PREFIX);
}

/** A row that created its key leaves the column at 0. */
function createRevisionOf(stored: Stored): number {
  return stored.created !== 0 ? stored.id : stored.create_revision;
}

/** kine has no leases of its own: the id that it gives one is its time to live. */
function leaseOf(stored: Stored): string {
  return stored.lease > 0 ? leaseId(BigInt(stored.lease)) : '';
}
