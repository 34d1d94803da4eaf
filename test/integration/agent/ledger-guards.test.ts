import fs, { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Ledger } from '@lockstep/agent/ledger/ledger.ts';
import { PORTION_BYTES, RESERVE_BYTES, Reserve } from '@lockstep/agent/ledger/reserve.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** What the ledger and its database hold by themselves, whoever writes. */
const epoch = (number: bigint) => ({ number, coordinatorId: 'c1' });
let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-ledger-'));
  path = join(directory, 'ledger.db');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (change: { node?: string; cluster?: string } = {}): Ledger =>
  Ledger.open({ path, node: 'cp1', cluster: 'lab', now: () => 7, ...change });

/** Paths that were synced meanwhile, and whether the database had its tables by then. */
function syncedBy(run: () => void): string[] {
  const original = fs.fsyncSync;
  const synced: string[] = [];
  fs.fsyncSync = (fd) => {
    synced.push(readlinkSync(`/proc/self/fd/${fd}`));
    original(fd);
  };
  syncBuiltinESMExports();
  try {
    run();
  } finally {
    fs.fsyncSync = original;
    syncBuiltinESMExports();
  }
  return synced;
}

describe('a ledger', () => {
  it('is made once, its name and its reserve durable, and then only opened', () => {
    expect(syncedBy(() => open().close())).toEqual([directory, `${path}.reserve`]);
    expect(syncedBy(() => open().close())).toEqual([]);
  });

  it('is another’s where either name differs', () => {
    open().close();
    expect(() => open({ node: 'cp2' })).toThrow(expect.objectContaining({ code: 'LEDGER_STRANGER' }));
    expect(() => open({ cluster: 'prod' })).toThrow(expect.objectContaining({ code: 'LEDGER_STRANGER' }));
  });

  it('is read in the schema that it was written in, and in no other', () => {
    open().close();
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    for (const opened of [() => open(), () => Ledger.openToRead(path)]) {
      expect(opened).toThrow(
        expect.objectContaining({ code: 'LEDGER_UNREADABLE', message: expect.stringContaining('99') }),
      );
    }
  });

  it('that is no database is unreadable, by its path', async () => {
    await writeFile(path, 'x'.repeat(5_000));
    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'LEDGER_UNREADABLE', message: expect.stringContaining(path) }),
    );
  });

  it('knows nothing at first', () => {
    const ledger = open();
    expect([
      ledger.promised(),
      ledger.openOperation(),
      ledger.latestOperation(),
      ledger.operation('r-1'),
    ]).toEqual([undefined, undefined, undefined, undefined]);
    expect([ledger.operationIds(), ledger.audit()]).toEqual([[], []]);
    ledger.close();
  });

  it('keeps a promise and the plan that it opens together or not at all', () => {
    const ledger = open();
    ledger.recordPromise(epoch(1n), 'r-1', Buffer.from('plan'));
    // The plan is held already: its row is refused, and the promise goes with it.
    expect(() => ledger.recordPromise(epoch(2n), 'r-1', Buffer.from('plan'))).toThrow(
      expect.objectContaining({ code: 'LEDGER_UNREADABLE' }),
    );
    expect(ledger.promised()).toEqual(epoch(1n));
    ledger.recordPromise(epoch(3n), 'r-1', undefined);
    expect(ledger.promised()).toEqual(epoch(3n));
    expect(ledger.operationIds()).toEqual(['r-1']);
    ledger.close();
  });

  it('keeps a completion and the end that it makes together or not at all', () => {
    const ledger = open();
    ledger.recordPromise(epoch(1n), 'r-1', Buffer.from('plan'));
    const intent = ledger.recordIntent('r-1', Step.STEP_UNDO_VERIFY, epoch(1n), { inode: 5n });
    const nobody = { operationId: 'r-9', phase: 'undone', epoch: epoch(1n) } as const;
    expect(() => ledger.recordCompletion(intent, null, nobody)).toThrow(
      expect.objectContaining({ code: 'LEDGER_UNREADABLE' }),
    );
    expect(ledger.operation('r-1')).toMatchObject({
      phase: 'open',
      effects: [{ completedMs: undefined, completion: undefined, intent: { inode: '5' }, intendedMs: 7 }],
    });
    ledger.recordCompletion(intent, { done: 6n });
    expect(ledger.openOperation()).toMatchObject({
      effects: [{ completedMs: 7, completion: { done: '6' } }],
    });
    ledger.recordCommit('r-1', epoch(1n));
    expect(ledger.operation('r-1')?.phase).toBe('committed');
    ledger.close();
  });

  it('tells the audit of one operation, and of all', () => {
    const ledger = open();
    const line = { caller: 'local:root', command: 'Promise', outcome: 'done' };
    ledger.recordAudit({ ...line, operationId: 'r-1', epoch: epoch(1n) });
    ledger.recordAudit({ ...line, operationId: 'r-2', epoch: undefined });
    expect(ledger.audit('r-1')).toEqual([{ ...line, operationId: 'r-1', epoch: epoch(1n), atMs: 7 }]);
    expect(ledger.audit().map((each) => each.epoch)).toEqual([epoch(1n), undefined]);
    ledger.close();
  });

  it('names a step that it does not know rather than leaving it out', () => {
    const ledger = open();
    ledger.recordPromise(epoch(1n), 'r-1', Buffer.from('plan'));
    ledger.recordIntent('r-1', 999 as never, epoch(1n), null);
    expect(() => ledger.operation('r-1')).toThrow(
      expect.objectContaining({ code: 'LEDGER_UNREADABLE', message: expect.stringContaining('999') }),
    );
    ledger.close();
  });
});

describe('the database', () => {
  const TABLES = ['identity', 'promise', 'operation', 'transition', 'intent', 'completion', 'audit'];
  let database: DatabaseSync;
  beforeEach(() => {
    const ledger = open();
    ledger.recordPromise(epoch(1n), 'r-1', Buffer.from('plan'));
    ledger.recordCompletion(ledger.recordIntent('r-1', Step.STEP_STAGE, epoch(1n), null), null);
    ledger.recordCommit('r-1', epoch(1n));
    ledger.recordAudit({ caller: 'c', command: 'x', operationId: 'r-1', epoch: epoch(1n), outcome: 'done' });
    ledger.close();
    database = new DatabaseSync(path);
    database.exec('PRAGMA foreign_keys = ON');
  });
  afterEach(() => database.close());

  it.each(TABLES)('keeps every row of %s as it is', (table) => {
    const [column] = database.prepare(`SELECT name FROM pragma_table_info('${table}')`).all() as {
      name: string;
    }[];
    expect(() => database.exec(`DELETE FROM ${table}`)).toThrow('keeps its records');
    expect(() => database.exec(`UPDATE ${table} SET ${column?.name} = ${column?.name}`)).toThrow(
      'keeps its records',
    );
  });

  it.each([
    ["INSERT INTO identity VALUES (2, 'a', 'b', 'c', 1)", /CHECK/],
    [
      "INSERT INTO operation (operation_id, plan, plan_sha256, at_ms) VALUES ('r-1', x'00', 'p', 1)",
      /UNIQUE/,
    ],
    ["INSERT INTO transition VALUES (9, 'r-9', 'closed', 1, 'c', 1)", /FOREIGN KEY/],
    ["INSERT INTO transition VALUES (9, 'r-1', 'lost', 1, 'c', 1)", /CHECK/],
    ["INSERT INTO intent VALUES (9, 'r-9', 1, 1, 'c', 'null', 1)", /FOREIGN KEY/],
    ["INSERT INTO completion VALUES (99, 'null', 1)", /FOREIGN KEY/],
    ["INSERT INTO promise VALUES (9, 'one', 'c', 'r', 1)", /datatype|INTEGER/],
  ])('refuses %s', (sql, words) => {
    expect(() => database.exec(sql)).toThrow(words);
  });

  it('is written ahead, so that readers never wait for a writer', () => {
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });
});

describe('the reserve', () => {
  it('is filled once, and again where it is short or gone', async () => {
    const reserve = new Reserve(join(directory, 'reserve'));
    expect(syncedBy(() => expect(reserve.fill()).toBe(true))).toEqual([join(directory, 'reserve')]);
    expect(syncedBy(() => expect(reserve.fill()).toBe(true))).toEqual([]);
    await truncate(join(directory, 'reserve'), 10);
    expect(reserve.fill()).toBe(true);
    expect((await stat(join(directory, 'reserve'))).size).toBe(RESERVE_BYTES);
  });

  it('is written before it is synced, and leaves no file open', () => {
    const before = readdirSync('/proc/self/fd').length;
    let size = 0;
    const original = fs.fsyncSync;
    fs.fsyncSync = (fd) => {
      size = fs.fstatSync(fd).size;
      original(fd);
    };
    syncBuiltinESMExports();
    try {
      new Reserve(join(directory, 'reserve')).fill();
    } finally {
      fs.fsyncSync = original;
      syncBuiltinESMExports();
    }
    expect(size).toBe(RESERVE_BYTES);
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });

  it('gives back a portion at a time, until nothing is left, and is then made whole again', async () => {
    const reserve = new Reserve(join(directory, 'reserve'));
    expect([reserve.release(), reserve.isWhole]).toEqual([false, false]);
    reserve.fill();
    expect(reserve.isWhole).toBe(true);
    expect([reserve.release(), reserve.isWhole]).toEqual([true, false]);
    expect((await stat(join(directory, 'reserve'))).size).toBe(RESERVE_BYTES - PORTION_BYTES);
    let portions = 1;
    while (reserve.release()) portions += 1;
    expect(portions).toBe(RESERVE_BYTES / PORTION_BYTES);
    expect([reserve.fill(), reserve.isWhole]).toEqual([true, true]);
  });

  it('that has no room keeps what it has, and takes no more', async () => {
    const path = join(directory, 'reserve');
    await writeFile(path, 'some');
    const original = fs.writeSync;
    fs.writeSync = ((fd: number, bytes: Buffer, offset: number) => {
      if (offset > 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      return original(fd, bytes, 0, 1_000);
    }) as typeof fs.writeSync;
    syncBuiltinESMExports();
    try {
      expect(new Reserve(path).fill()).toBe(false);
    } finally {
      fs.writeSync = original;
      syncBuiltinESMExports();
    }
    expect(await readFile(path, 'utf8')).toBe('some');
  });

  it('that cannot be made for another reason than a full disk says so', () => {
    expect(() => new Reserve(join(directory, 'none', 'reserve')).fill()).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
    const original = fs.writeSync;
    fs.writeSync = () => {
      throw Object.assign(new Error('broken'), { code: 'EIO' });
    };
    syncBuiltinESMExports();
    try {
      expect(() => new Reserve(join(directory, 'reserve')).fill()).toThrow('broken');
    } finally {
      fs.writeSync = original;
      syncBuiltinESMExports();
    }
  });
});

describe('a full disk', () => {
  const BEGIN = 'BEGIN IMMEDIATE';
  const EMPTY_LOG = 'PRAGMA wal_checkpoint(PASSIVE)';
  const FULL = 13;
  const NO_ROOM_FOR_THE_INDEX = 4874;
  const CORRUPT = 11;
  const line = { caller: 'c', command: 'x', operationId: '', epoch: undefined, outcome: 'done' };
  const prototype = DatabaseSync.prototype as { exec: (this: DatabaseSync, sql: string) => void };
  const original = prototype.exec;
  afterEach(() => {
    prototype.exec = original;
  });

  /** SQLite fails so often at a statement, with a code; returns what it was asked meanwhile. */
  function failing(sql: string, code: unknown, times = Number.POSITIVE_INFINITY): string[] {
    const asked: string[] = [];
    let left = times;
    prototype.exec = function exec(this: DatabaseSync, text: string): void {
      asked.push(text);
      if (text !== sql || left === 0) return original.call(this, text);
      left -= 1;
      throw Object.assign(new Error('failed'), { errcode: code });
    };
    return asked;
  }

  const reserveBytes = async (): Promise<number> => (await stat(`${path}.reserve`)).size;

  it.each([FULL, NO_ROOM_FOR_THE_INDEX])('(%i) costs a portion for each try, and no record', async (code) => {
    const ledger = open();
    const asked = failing(BEGIN, code, 2);
    ledger.recordAudit(line);
    expect(ledger.audit()).toHaveLength(1);
    expect(await reserveBytes()).toBe(RESERVE_BYTES - 2 * PORTION_BYTES);
    // Or the log would take page for page what is left.
    expect(asked.at(-1)).toBe(EMPTY_LOG);
    ledger.close();
  });

  it('that is not full costs nothing, and leaves the log to SQLite', async () => {
    const ledger = open();
    const asked = failing('nothing', FULL);
    ledger.recordAudit(line);
    expect(asked).toEqual([BEGIN, 'COMMIT']);
    for (const code of [CORRUPT, undefined, String(FULL)]) {
      failing(BEGIN, code);
      expect(() => ledger.recordAudit(line)).toThrow(expect.objectContaining({ code: 'LEDGER_UNREADABLE' }));
    }
    expect(await reserveBytes()).toBe(RESERVE_BYTES);
    ledger.close();
  });

  it('with nothing left to give fails the record', async () => {
    const ledger = open();
    failing(BEGIN, FULL);
    expect(() => ledger.recordAudit(line)).toThrow(expect.objectContaining({ code: 'LEDGER_UNREADABLE' }));
    expect(await reserveBytes()).toBe(0);
    ledger.close();
  });

  it('that does not even let the log be emptied keeps the record; a broken one is told', async () => {
    const ledger = open();
    await truncate(`${path}.reserve`, RESERVE_BYTES - 1);
    failing(EMPTY_LOG, FULL);
    ledger.recordAudit(line);
    expect(ledger.audit()).toHaveLength(1);
    failing(EMPTY_LOG, CORRUPT);
    expect(() => ledger.recordAudit(line)).toThrow(expect.objectContaining({ code: 'LEDGER_UNREADABLE' }));
    ledger.close();
  });
});
