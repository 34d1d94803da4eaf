import { readdirSync, readlinkSync, statSync } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { cardFileText } from '@lockstep/shared/seal/card-file.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SnapshotStore } from './store.ts';

const WHOLE = 's-20261122-120000-aaaaaa';
const ORPHAN = 's-20261122-130000-bbbbbb';
const MARKED = 's-20261122-140000-cccccc';

let root: string;
let directory: string;
let store: SnapshotStore;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-shelf-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'snapshots-'));
  store = new SnapshotStore({ directory, hostDirectory: '/snapshots', node: 'cp1' });
});

const put = (...names: string[]) => Promise.all(names.map((name) => writeFile(join(directory, name), '')));
const putCard = (id: string, as: string = id) =>
  writeFile(
    join(directory, `${as}.json`),
    cardFileText({ card: SnapshotCard.fromPartial({ id }), sealed: undefined }),
  );
const names = async (): Promise<string[]> => (await readdir(directory)).toSorted();

describe('what a kill left', () => {
  it('is removed: saves, cards without a name, bytes without a card, logs without bytes', async () => {
    const kept = [`${WHOLE}.db`, `${WHOLE}.json`, `${WHOLE}.wal`, `.${ORPHAN}.part`];
    const left = [`.${ORPHAN}.save.part`, `${WHOLE}.json.part`, `${ORPHAN}.db`, `${MARKED}.wal`];
    await put(`${WHOLE}.db`, `.${ORPHAN}.part`, ...left.slice(0, 3));
    await putCard(WHOLE);
    for (const id of [WHOLE, MARKED]) {
      await mkdir(join(directory, `${id}.wal`));
      await put(`${id}.wal/0.wal`);
    }
    expect((await store.sweep()).toSorted()).toEqual(left.toSorted());
    expect(await names()).toEqual(kept.toSorted());
    expect(await store.sweep()).toEqual([]);
  });

  it('goes with its log', async () => {
    await put(`${ORPHAN}.db`, `${ORPHAN}.wal`);
    await store.sweep();
    expect(await names()).toEqual([]);
  });

  it('is not what something is known of, nor what bears a name that is not ours', async () => {
    const kept = [`${MARKED}.db`, `${MARKED}.marks.json`, 'mine.db', 'notes.txt', 'about-the-wal'];
    await put(...kept);
    expect(await store.sweep()).toEqual([]);
    expect(await names()).toEqual(kept.toSorted());
  });

  it('is not what an open operation may have brought', async () => {
    await put(`${ORPHAN}.db`);
    // The change of its name is what counts, not the time that was written into it.
    await utimes(join(directory, `${ORPHAN}.db`), new Date(0), new Date(0));
    const { ctimeMs } = await stat(join(directory, `${ORPHAN}.db`));
    expect(await store.sweep(ctimeMs)).toEqual([]);
    expect(await store.sweep(ctimeMs + 1)).toEqual([`${ORPHAN}.db`]);
  });

  it('is nothing where there is no directory yet', async () => {
    await rm(directory, { recursive: true });
    expect(await store.sweep()).toEqual([]);
    expect(await names()).toEqual([]);
  });
});

describe('a card', () => {
  it('says which snapshot is there', async () => {
    await put(`${WHOLE}.db`);
    await putCard(WHOLE);
    expect(await store.get(WHOLE)).toMatchObject({ card: { id: WHOLE }, path: `/snapshots/${WHOLE}.db` });
    expect(await store.list()).toHaveLength(1);
  });

  it('of another snapshot is none of this one', async () => {
    await put(`${WHOLE}.db`);
    await putCard(ORPHAN, WHOLE);
    await expect(store.find(WHOLE)).rejects.toMatchObject({ code: 'SNAPSHOT_CARD_MISMATCH' });
    expect(await store.list()).toEqual([]);
  });
});

it('a snapshot is removed with everything of it, and from a directory that is not there', async () => {
  await put(`${WHOLE}.db`, `.${WHOLE}.part`, `.${WHOLE}.save.part`, `${WHOLE}.wal`, `${WHOLE}.marks.json`);
  await put(`${ORPHAN}.db`);
  await putCard(WHOLE);
  await store.remove(WHOLE);
  expect(await names()).toEqual([`${ORPHAN}.db`]);
  await rm(directory, { recursive: true });
  await store.remove(WHOLE);
});

describe('what is durable', () => {
  /** Names that are there whenever `run` has one synced: ["name", names of then]. */
  async function syncs(run: () => Promise<unknown>): Promise<[string, string[]][]> {
    await using handle = await open(root);
    const prototype = Object.getPrototypeOf(handle) as { sync: (this: FileHandle) => Promise<void> };
    const original = prototype.sync;
    const seen: [string, string[]][] = [];
    prototype.sync = function sync(this: FileHandle): Promise<void> {
      const path = readlinkSync(`/proc/self/fd/${this.fd}`);
      const sizes = readdirSync(directory).map((name) =>
        statSync(join(directory, name)).size === 0 ? `${name} (empty)` : name,
      );
      seen.push([basename(path), sizes.toSorted()]);
      return original.call(this);
    };
    try {
      await run();
    } finally {
      prototype.sync = original;
    }
    return seen;
  }

  const carried = { card: SnapshotCard.fromPartial({ id: WHOLE }), sealed: undefined };

  it('of a card is its bytes before its name, and then that', async () => {
    await writeFile(join(directory, `${WHOLE}.db`), 'bytes');
    const here = basename(directory);
    expect(await syncs(() => store.rewriteCard(carried))).toEqual([
      [`${WHOLE}.json.part`, [`${WHOLE}.db`, `${WHOLE}.json.part`]],
      [here, [`${WHOLE}.db`, `${WHOLE}.json`]],
    ]);
  });

  it('of a snapshot that came is its name before its card', async () => {
    await writeFile(store.partOf(WHOLE), 'bytes');
    const here = basename(directory);
    const seen = await syncs(() => store.keep(carried));
    expect(seen.map(([name]) => name)).toEqual([here, `${WHOLE}.json.part`, here]);
    expect(seen[0]?.[1]).toEqual([`${WHOLE}.db`]);
  });

  it('of a removal is that of the card first, and then of the rest', async () => {
    await put(`${WHOLE}.db`, `${WHOLE}.marks.json`);
    await putCard(WHOLE);
    const here = basename(directory);
    expect((await syncs(() => store.remove(WHOLE))).filter(([name]) => name === here)).toEqual([
      [here, [`${WHOLE}.db (empty)`, `${WHOLE}.marks.json (empty)`]],
      [here, []],
    ]);
  });

  it('of what a kill left is that it is gone', async () => {
    await put(`.${ORPHAN}.save.part`);
    const here = basename(directory);
    expect((await syncs(() => store.sweep())).filter(([name]) => name === here)).toEqual([[here, []]]);
    expect((await syncs(() => store.sweep())).map(([name]) => name)).toEqual([basename(root)]);
  });

  it('of the directory is its name, once it is there', async () => {
    await rm(directory, { recursive: true });
    expect(await syncs(() => store.prepare())).toEqual([[basename(root), []]]);
  });
});
