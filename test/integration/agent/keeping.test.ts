import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
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
