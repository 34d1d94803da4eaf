import { DatabaseSync } from 'node:sqlite';

interface Row {
  readonly id: number;
  readonly name: string;
  readonly created: number;
  readonly deleted: number;
  readonly createRevision: number;
  readonly previous: number;
  readonly value: Buffer | null;
  readonly before: Buffer | null;
}

interface Alive {
  readonly id: number;
  readonly createRevision: number;
  readonly value: Buffer;
}

/** The table of kine as K3s keeps it, filled by hand: a row per revision, the same bytes each time. */
export class K3sStore {
  readonly #rows: Row[] = [];
  readonly #alive = new Map<string, Alive>();
  #revision: number;
  #compacted = 0;

  /** `revision`: of the last row before the first. */
  constructor(revision = 0) {
    this.#revision = revision;
  }

  /** The new row's revision. */
  put(key: string, value: object | string | Buffer): number {
    const bytes = Buffer.isBuffer(value)
      ? value
      : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    const before = this.#alive.get(key);
    const id = (this.#revision += 1);
    this.#rows.push({
      id,
      name: key,
      created: before === undefined ? 1 : 0,
      deleted: 0,
      createRevision: before?.createRevision ?? 0,
      previous: before?.id ?? 0,
      value: bytes,
      before: before?.value ?? null,
    });
    this.#alive.set(key, { id, createRevision: before?.createRevision ?? id, value: bytes });
    return id;
  }

  delete(key: string): number {
    const before = this.#alive.get(key);
    if (before === undefined) throw new Error(`no ${key}`);
    const id = (this.#revision += 1);
    this.#rows.push({
      id,
      name: key,
      created: 0,
      deleted: 1,
      createRevision: before.createRevision,
      previous: before.id,
      value: before.value,
      before: before.value,
    });
    this.#alive.delete(key);
    return id;
  }

  /** Takes away what was superseded up to this revision, as kine does. */
  compact(revision: number): void {
    this.#compacted = revision;
  }

  /** In SQLite's write-ahead mode the newest rows stay in the log while the connection is open. */
  save(path: string, mode: 'DELETE' | 'WAL' = 'DELETE'): DatabaseSync {
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA journal_mode = ${mode}`);
    database.exec(`CREATE TABLE kine (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, created INTEGER,
      deleted INTEGER, create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB)`);
    database.exec('CREATE UNIQUE INDEX kine_name_prev_revision_uindex ON kine (name, prev_revision)');
    const insert = database.prepare('INSERT INTO kine VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)');
    database.exec('BEGIN');
    insert.run(1, 'compact_rev_key', 1, 0, 0, this.#compacted, Buffer.alloc(0), null);
    for (const row of this.#kept()) {
      const { id, name, created, deleted, createRevision, previous, value, before } = row;
      insert.run(id, name, created, deleted, createRevision, previous, value, before);
    }
    database.exec('COMMIT');
    return database;
  }

  #kept(): Row[] {
    const superseded = new Set(
      this.#rows.filter(({ id }) => id <= this.#compacted).map(({ previous }) => previous),
    );
    return this.#rows.filter(
      ({ id, deleted }) => id > this.#compacted || (deleted === 0 && !superseded.has(id)),
    );
  }
}
