import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importSnapshot } from '@lockstep/agent/snapshots/import.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { ImportHead, type ImportSnapshotRequest } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Pin } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { pinsOn } from '@lockstep/shared/marks.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory: string;
let store: SnapshotStore;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keeping-'));
  store = new SnapshotStore({ directory, hostDirectory: '/snapshots', node: 'cp1' });
  writeFileSync(store.partOf('s-1'), 'bytes');
  await store.keep({
    card: SnapshotCard.fromPartial({ id: 's-1', takenAt: '2026-11-22T00:00:00Z' }),
    sealed: undefined,
  });
});
afterEach(() => rmSync(directory, { recursive: true }));

const pin = (reason: string): Pin => ({
  by: 'ada',
  reason,
  at: '2026-11-22T00:00:00.000Z',
  evidence: false,
  removedAt: '',
});
const marks = (...pins: Pin[]) => ({ snapshotId: 's-1', pins, proofs: [] });

const ORPHAN = 's-20261122-000000-abcdef';

describe('bytes without a card', () => {
  beforeEach(() => {
    // As a kill between the two renames leaves them.
    writeFileSync(store.pathOf(ORPHAN), 'bytes');
    writeFileSync(join(directory, `${ORPHAN}.json.part`), '{');
  });

  it('go at the next start, and what has a card or another’s name stays', async () => {
    mkdirSync(store.logOf(ORPHAN));
    writeFileSync(join(directory, 'copied-by-hand.db'), 'bytes');
    expect((await store.sweep()).sort()).toEqual([`${ORPHAN}.db`, `${ORPHAN}.json.part`, `${ORPHAN}.wal`]);
    expect(readdirSync(directory).sort()).toEqual(['copied-by-hand.db', 's-1.db', 's-1.json']);
    expect(await store.sweep()).toEqual([]);
  });

  it('stay where an operation is open that may have brought them, and go where they are older', async () => {
    const [hourAgoMs, inAnHourMs] = [Date.now() - 3_600_000, Date.now() + 3_600_000];
    expect(await store.sweep(hourAgoMs)).toEqual([`${ORPHAN}.json.part`]);
    expect(await store.sweep(inAnHourMs)).toEqual([`${ORPHAN}.db`]);
  });

  it('stay where something is known of them: their card may have been lost', async () => {
    writeFileSync(join(directory, `${ORPHAN}.marks.json`), '{"half');
    expect(await store.sweep()).toEqual([`${ORPHAN}.json.part`]);
  });
});

describe('what a disk has too little room for', () => {
  it('is refused before a byte of it is written', async () => {
    const fileSizeBytes = 1n << 60n;
    async function* parts(): AsyncGenerator<ImportSnapshotRequest> {
      const card = SnapshotCard.fromPartial({ id: 's-2', facts: { fileSizeBytes } });
      const head = ImportHead.fromPartial({ card, copy: { snapshotId: 's-2' } });
      yield { part: { $case: 'head', value: head } };
      throw new Error('bytes were asked for');
    }
    await expect(
      importSnapshot({ node: 'cp1', store }, parts(), AbortSignal.timeout(10_000)),
    ).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(readdirSync(directory).sort()).toEqual(['s-1.db', 's-1.json']);
  });
});

describe('what is known of a snapshot on a node', () => {
  it('is kept beside it, added to, and listed with it', async () => {
    await Promise.all([store.mark(marks(pin('one'))), store.mark(marks(pin('two')))]);
    const [listed] = await store.list();
    expect(pinsOn(listed?.marks).map(({ reason }) => reason)).toEqual(['one', 'two']);
    expect(await store.list()).toHaveLength(1);
    expect(readdirSync(directory).sort()).toEqual(['s-1.db', 's-1.json', 's-1.marks.json']);
  });

  it('is not taken of a snapshot that is not here', async () => {
    await expect(store.mark({ ...marks(pin('one')), snapshotId: 's-2' })).rejects.toMatchObject({
      code: 'SNAPSHOT_NOT_FOUND',
    });
  });

  it('counts as a pin where it cannot be read, and is not written over', async () => {
    writeFileSync(join(directory, 's-1.marks.json'), '{"half');
    const [listed] = await store.list();
    expect(pinsOn(listed?.marks)).toHaveLength(1);
    await expect(store.mark(marks(pin('one')))).rejects.toMatchObject({ code: 'MARKS_UNREADABLE' });
  });

  it('goes with it, and nothing is left', async () => {
    await store.mark(marks(pin('one')));
    await store.remove('s-1');
    expect(readdirSync(directory)).toEqual([]);
    await store.remove('s-1');
  });
});
