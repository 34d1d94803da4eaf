/**
 * The ledger's tables. Rows are only ever added: what an operation is now is what its rows add up
 * to, and triggers hold that no row is changed or removed, whoever opens the file.
 */
export const SCHEMA_VERSION = 1;

const TABLES = {
  identity: `
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    ledger_id TEXT NOT NULL,
    node TEXT NOT NULL,
    cluster TEXT NOT NULL,
    created_ms INTEGER NOT NULL`,
  promise: `
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    number INTEGER NOT NULL,
    coordinator_id TEXT NOT NULL,
    operation_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL`,
  operation: `
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    operation_id TEXT NOT NULL UNIQUE,
    plan BLOB NOT NULL,
    plan_sha256 TEXT NOT NULL,
    at_ms INTEGER NOT NULL`,
  // An operation is open until a row here says otherwise.
  transition: `
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    operation_id TEXT NOT NULL REFERENCES operation (operation_id),
    phase TEXT NOT NULL CHECK (phase IN ('committed', 'undone', 'closed')),
    epoch_number INTEGER NOT NULL,
    epoch_coordinator TEXT NOT NULL,
    at_ms INTEGER NOT NULL`,
  intent: `
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    operation_id TEXT NOT NULL REFERENCES operation (operation_id),
    step INTEGER NOT NULL,
    epoch_number INTEGER NOT NULL,
    epoch_coordinator TEXT NOT NULL,
    detail TEXT NOT NULL,
    at_ms INTEGER NOT NULL`,
  completion: `
    intent INTEGER PRIMARY KEY REFERENCES intent (sequence),
    detail TEXT NOT NULL,
    at_ms INTEGER NOT NULL`,
  audit: `
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    caller TEXT NOT NULL,
    command TEXT NOT NULL,
    operation_id TEXT NOT NULL,
    epoch_number INTEGER NOT NULL,
    epoch_coordinator TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at_ms INTEGER NOT NULL`,
} as const;

export const SCHEMA = [
  ...Object.entries(TABLES).flatMap(([table, columns]) => [
    `CREATE TABLE ${table} (${columns}) STRICT;`,
    `CREATE TRIGGER ${table}_is_kept BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT, 'the ledger keeps its records'); END;`,
    `CREATE TRIGGER ${table}_is_final BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, 'the ledger keeps its records'); END;`,
  ]),
  'CREATE INDEX intent_of_operation ON intent (operation_id, sequence);',
  'CREATE INDEX transition_of_operation ON transition (operation_id, sequence);',
  `PRAGMA user_version = ${SCHEMA_VERSION};`,
].join('\n');
