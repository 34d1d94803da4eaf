import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ledger } from '@lockstep/agent/ledger/ledger.ts';
import { viewOf } from '@lockstep/agent/ledger/records.ts';
import { RESERVE_BYTES } from '@lockstep/agent/ledger/reserve.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const CHILDREN = join(import.meta.dirname, 'children');
const epoch = (number: bigint) => ({ number, coordinatorId: 'c1' });

/** A mount of our own needs either root or user namespaces. */
const canMount = ((): boolean => {
  try {
    execFileSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-ledger-'));
  path = join(directory, 'ledger.db');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (node = 'cp1'): Ledger => Ledger.open({ path, node, cluster: 'lab', now: Date.now });

describe('ledger', () => {
  it('is for its owner alone, with all that lies beside it', async () => {
    const ledger = open();
    ledger.recordPromise(epoch(1n), 'r-1', Buffer.from('the plan'));
    for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}.reserve`]) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    ledger.close();
  });

  it('opens an operation only with its reserve filled', async () => {
    const ledger = open();
    await rm(`${path}.reserve`);
    ledger.recordPromise(epoch(1n), 'r-1', undefined);
    await expect(stat(`${path}.reserve`)).rejects.toMatchObject({ code: 'ENOENT' });
    ledger.recordPromise(epoch(2n), 'r-1', Buffer.from('the plan'));
    expect((await stat(`${path}.reserve`)).size).toBe(RESERVE_BYTES);
    ledger.close();
  });

  it('keeps an intent without a completion across SIGKILL', async () => {
    const child = spawn(process.execPath, [join(CHILDREN, 'open-intent.ts'), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');

    const ledger = open();
    const operation = ledger.openOperation();
    if (operation === undefined) throw new Error('the operation is gone');
    expect(Buffer.from(operation.plan).toString()).toBe('the plan');
    expect(operation.effects).toMatchObject([
      { step: Step.STEP_STAGE, intent: { before: 1 }, completion: { after: '2' } },
      { step: Step.STEP_SWAP, intent: { old: { device: '1', number: '2' } }, completedMs: undefined },
    ]);
    const view = viewOf(operation);
    expect(view.intended.has(Step.STEP_SWAP)).toBe(true);
    expect(view.completed.has(Step.STEP_SWAP)).toBe(false);
    expect(ledger.promised()).toStrictEqual(epoch(1n));
    ledger.close();
  });

  it('keeps its identity, and is nobody else’s', () => {
    const first = open();
    const { ledgerId } = first.identity;
    first.close();
    const second = open();
    expect(second.identity.ledgerId).toBe(ledgerId);
    second.close();
    expect(() => open('cp2')).toThrow(expect.objectContaining({ code: 'LEDGER_STRANGER' }));
  });

  it('changes and removes no record, whoever asks', async () => {
    const ledger = open();
    ledger.recordPromise(epoch(1n), 'r-1', Buffer.from('plan'));
    ledger.recordIntent('r-1', Step.STEP_STAGE, epoch(1n), null);
    ledger.close();
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(path);
    for (const table of ['identity', 'promise', 'operation', 'intent']) {
      expect(() => database.exec(`DELETE FROM ${table}`)).toThrow('keeps its records');
    }
    expect(() => database.exec("UPDATE operation SET plan = x'00'")).toThrow('keeps its records');
    database.close();
  });

  it('knows how an operation ended, and opens the next', () => {
    const ledger = open();
    ledger.recordPromise(epoch(1n), 'r-1', Buffer.from('plan 1'));
    const intent = ledger.recordIntent('r-1', Step.STEP_UNDO_VERIFY, epoch(1n), null);
    ledger.recordCompletion(intent, null, { operationId: 'r-1', phase: 'undone', epoch: epoch(1n) });
    expect(ledger.operation('r-1')?.phase).toBe('undone');
    expect(ledger.openOperation()).toBeUndefined();
    ledger.recordPromise(epoch(2n), 'r-2', Buffer.from('plan 2'));
    ledger.recordCommit('r-2', epoch(2n));
    expect(ledger.openOperation()).toMatchObject({ operationId: 'r-2', phase: 'committed' });
    expect(ledger.latestOperation()?.operationId).toBe('r-2');
    ledger.close();
  });

  it('is read by another process while it is written', () => {
    const writer = open();
    writer.recordPromise(epoch(3n), 'r-1', Buffer.from('plan'));
    const reader = Ledger.openToRead(path);
    expect(reader.promised()).toStrictEqual(epoch(3n));
    writer.recordAudit({
      caller: 'local:root',
      command: 'Promise',
      operationId: 'r-1',
      epoch: epoch(3n),
      outcome: 'done',
    });
    expect(reader.audit('r-1')).toMatchObject([{ caller: 'local:root', outcome: 'done', epoch: epoch(3n) }]);
    expect(() => reader.recordCommit('r-1', epoch(3n))).toThrow(
      expect.objectContaining({ code: 'LEDGER_UNREADABLE' }),
    );
    reader.close();
    writer.close();
  });

  it('reserves its space for real', async () => {
    open().close();
    expect((await stat(`${path}.reserve`)).blocks * 512).toBeGreaterThanOrEqual(RESERVE_BYTES);
  });

  it.skipIf(!canMount)('takes records on a full disk, out of the reserve', async () => {
    expect(await onFullDisk('with-reserve')).toStrictEqual({ recorded: 200, code: '', kept: 200 });
    expect(await onFullDisk('among-others')).toStrictEqual({ recorded: 200, code: '', kept: 200 });
    const without = await onFullDisk('without-reserve');
    expect(without.recorded).toBeLessThan(200);
    expect(without.code).toBe('LEDGER_UNREADABLE');
    expect(without.kept).toBe(without.recorded);
  });
});

async function onFullDisk(reserve: string): Promise<{ recorded: number; code: string; kept: number }> {
  const script = `mount -t tmpfs -o size=8m tmpfs "$1" && exec "$2" "$3" "$1" "$4"`;
  const { stdout } = await run('unshare', [
    '-rm',
    'sh',
    '-c',
    script,
    'sh',
    directory,
    process.execPath,
    join(CHILDREN, 'full-disk.ts'),
    reserve,
  ]);
  return JSON.parse(stdout) as { recorded: number; code: string; kept: number };
}
