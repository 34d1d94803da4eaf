import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_BYTES, packChunk } from '@lockstep/agent/snapshots/chunks.ts';
import { renameDurably, writeAll } from '@lockstep/agent/snapshots/durable.ts';
import { type OpenSnapshot, pullSnapshot } from '@lockstep/agent/snapshots/pull.ts';
import { cardDifferences, SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { SnapshotCard, type SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';
import { tracedBy } from '../adapters/support/traced.ts';
import { Etcd } from '../snapshot/etcd.ts';

/** What a pull takes for good, and in what order it reaches the disk; the wire is the test's. */
const soon = (): AbortSignal => deadline(30_000);
let scratch: string;
let bytes: Buffer;
let facts: SnapshotFacts;
let card: SnapshotCard;
let store: SnapshotStore;
let at: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lockstep-pull-'));
  const { etcd: tools } = await locateTools();
  await using etcd = await Etcd.start(tools);
  await etcd.put('/registry/configmaps/default/a', 'x'.repeat(100_000));
  const path = join(scratch, 'snapshot.db');
  await copyFile(await etcd.snapshot(), path);
  bytes = await readFile(path);
  facts = await readSnapshotFacts(path, { trailer: 'required' }, soon());
  card = SnapshotCard.fromPartial({ id: 's-1', cluster: 'lab', takenAt: '2026-01-01T00:00:00Z', facts });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  at = await mkdtemp(join(scratch, 'store-'));
  store = new SnapshotStore({ directory: join(at, 'snapshots'), hostDirectory: '/snapshots', node: 'cp1' });
});

const total = (): bigint => BigInt(bytes.length);
async function* whole(from: bigint, of: Buffer = bytes): ReturnType<OpenSnapshot> {
  for (let offset = Number(from); offset < of.length; offset += CHUNK_BYTES) {
    yield await packChunk(of.subarray(offset, offset + CHUNK_BYTES), BigInt(offset), total());
  }
}
const SOURCES = [
  { node: 'cp2', address: '' },
  { node: 'cp3', address: '' },
];
const pull = (openSnapshot: OpenSnapshot, signal = soon(), of = card): Promise<void> =>
  pullSnapshot({ store, openSnapshot }, { card: of, sealed: undefined }, SOURCES, () => undefined, signal);

describe('a pull', () => {
  it('is synced before it is proven, has its name before its card, and both durably', async () => {
    const directory = join(at, 'snapshots');
    const seen: string[] = [];
    const calls = await tracedBy(
      () => pull((_source, _id, offset) => whole(offset)),
      (call) => {
        if (call === `sync ${join(directory, '.s-1.part')}`)
          seen.push(`part ${existsSync(store.pathOf('s-1'))}`);
        if (call === `sync ${join(directory, 's-1.json.part')}`) {
          seen.push(readFileSync(join(directory, 's-1.json.part'), 'utf8').slice(0, 1));
        }
      },
    );
    expect(calls).toEqual([
      `sync ${at}`,
      `sync ${join(directory, '.s-1.part')}`,
      `sync ${directory}`,
      `sync ${join(directory, 's-1.json.part')}`,
      `sync ${directory}`,
    ]);
    expect(seen).toEqual(['part false', '{']);
    expect(await readFile(store.pathOf('s-1'))).toEqual(bytes);
  });

  it.each<[string, (offset: bigint) => ReturnType<OpenSnapshot>]>([
    ['of another place', (offset) => shifted(offset, 1n, 0n)],
    ['of another whole', (offset) => shifted(offset, 0n, 1n)],
    ['that end too early', (offset) => whole(offset, bytes.subarray(0, bytes.length - 1))],
    ['that go on', (offset) => whole(offset, Buffer.concat([bytes, Buffer.alloc(1)]))],
  ])('takes no bytes %s', async (_what, sent) => {
    await expect(pull((_source, _id, offset) => sent(offset))).rejects.toMatchObject({ code: 'PULL_FAILED' });
    expect(await store.find('s-1')).toBeUndefined();
  });

  it('keeps what came before a stream ended, to go on with', async () => {
    const cut = bytes.subarray(0, bytes.length - 1);
    await expect(pull((_source, _id, offset) => whole(offset, cut))).rejects.toMatchObject({
      code: 'PULL_FAILED',
    });
    expect(await readFile(store.partOf('s-1'))).toEqual(cut);
  });

  it('names nothing that the disk did not take for good', async () => {
    const broken = (call: string): void => {
      if (call === `sync ${store.partOf('s-1')}`) throw new Error('EIO');
    };
    const run = (): Promise<void> => pull((_source, _id, offset) => whole(offset));
    await expect(tracedBy(run, broken)).rejects.toMatchObject({ code: 'SYNC_FAILED' });
    expect(existsSync(store.pathOf('s-1'))).toBe(false);
  });

  it('takes no bytes of another digest, and keeps none of them', async () => {
    const other = Buffer.from(bytes);
    other[5_000] = (other[5_000] ?? 0) ^ 1;
    await expect(pull((_source, _id, offset) => whole(offset, other))).rejects.toMatchObject({
      code: 'PULL_FAILED',
    });
    expect(existsSync(store.partOf('s-1'))).toBe(false);
  });

  it('takes nothing that its own reader does not find on the card', async () => {
    const claimed = { ...card, facts: { ...facts, contentSha256: 'another' } };
    await expect(pull((_source, _id, offset) => whole(offset), soon(), claimed)).rejects.toMatchObject({
      code: 'PULL_FAILED',
      cause: expect.objectContaining({ code: 'SNAPSHOT_CARD_MISMATCH' }),
    });
    expect([existsSync(store.partOf('s-1')), existsSync(store.pathOf('s-1'))]).toEqual([false, false]);
  });

  it('begins anew where more had arrived than there is', async () => {
    await store.prepare();
    await writeFile(store.partOf('s-1'), Buffer.concat([bytes, Buffer.alloc(1)]));
    const from: bigint[] = [];
    await pull((_source, _id, offset) => {
      from.push(offset);
      return whole(offset);
    });
    expect(from).toEqual([0n]);
    expect(await readFile(store.pathOf('s-1'))).toEqual(bytes);
  });

  it('goes on where it was, and asks nobody where all had arrived', async () => {
    await store.prepare();
    await writeFile(store.partOf('s-1'), bytes);
    await truncate(store.partOf('s-1'), 1_000);
    const from: bigint[] = [];
    const open: OpenSnapshot = (_source, _id, offset) => {
      from.push(offset);
      return whole(offset);
    };
    await pull(open);
    expect(from).toEqual([1_000n]);
    await store.remove('s-1');
    await writeFile(store.partOf('s-1'), bytes);
    await pull(open);
    expect(from).toEqual([1_000n]);
  });

  it('asks every source in turn, twice, and says why the last one failed', async () => {
    const asked: string[] = [];
    const failing: OpenSnapshot = (source) => {
      asked.push(source.node);
      throw new Error(`${source.node} is away`);
    };
    await expect(pull(failing)).rejects.toMatchObject({
      code: 'PULL_FAILED',
      cause: { message: 'cp3 is away' },
    });
    expect(asked).toEqual(['cp2', 'cp3', 'cp2', 'cp3']);
  });

  it.each(['DISK_FULL', 'SYNC_FAILED'] as const)('asks nobody again after %s', async (code) => {
    let asked = 0;
    const failing: OpenSnapshot = () => {
      asked += 1;
      throw new LockstepError(code, { message: 'x' });
    };
    await expect(pull(failing)).rejects.toMatchObject({ code });
    expect(asked).toBe(1);
  });

  it('asks nobody for who gave up, before or meanwhile', async () => {
    const asked: string[] = [];
    const gone = AbortSignal.abort(new Error('given up'));
    await expect(
      pull((source) => {
        asked.push(source.node);
        return whole(0n);
      }, gone),
    ).rejects.toThrow('given up');
    expect(asked).toEqual([]);
    for (const attempt of [1, 2 * SOURCES.length]) {
      const controller = new AbortController();
      let attempts = 0;
      const giveUp: OpenSnapshot = () => {
        attempts += 1;
        if (attempts === attempt) controller.abort(new Error('given up'));
        throw new Error('cut');
      };
      await expect(pull(giveUp, controller.signal)).rejects.toThrow('given up');
    }
  });
});

async function* shifted(offset: bigint, by: bigint, more: bigint): ReturnType<OpenSnapshot> {
  for await (const chunk of whole(offset)) {
    yield { ...chunk, offsetBytes: chunk.offsetBytes + by, totalSizeBytes: chunk.totalSizeBytes + more };
  }
}

describe('a store of snapshots', () => {
  const json = (): string => store.pathOf('s-1').replace(/\.db$/, '.json');
  beforeEach(async () => {
    await store.prepare();
    await writeFile(store.partOf('s-1'), bytes);
    await store.keep({ card, sealed: undefined });
  });

  it('removes the card first, all of it, and durably', async () => {
    await writeFile(store.partOf('s-1'), 'x');
    const left: boolean[][] = [];
    await tracedBy(
      () => store.remove('s-1'),
      (call) => {
        if (call !== `sync ${join(at, 'snapshots')}`) return;
        left.push([json(), store.pathOf('s-1'), store.partOf('s-1')].map((path) => existsSync(path)));
      },
    );
    // A power loss between the two leaves bytes without a card, which are nobody's snapshot.
    expect(left.find(([card]) => card === false)).toEqual([false, true, true]);
    expect(left.at(-1)).toEqual([false, false, false]);
    expect(await store.find('s-1')).toBeUndefined();
  });

  it('has nothing without its bytes, and refuses bytes without a card', async () => {
    await expect(store.get('s-2')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    await expect(store.verify('s-2', soon())).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    await rm(store.pathOf('s-1'));
    expect(await store.find('s-1')).toBeUndefined();
    await writeFile(store.pathOf('s-1'), bytes);
    await rm(json());
    await expect(store.find('s-1')).rejects.toMatchObject({ code: 'SNAPSHOT_CARD_MISSING' });
    expect(await store.verify('s-1', soon())).toMatchObject({
      refusals: [{ code: 'SNAPSHOT_CARD_MISSING' }],
    });
    expect(await store.list()).toEqual([]);
  });

  it('believes no card of another, and none that cannot be read', async () => {
    await writeFile(json(), JSON.stringify(SnapshotCard.toJSON({ ...card, id: 's-9' })));
    await expect(store.find('s-1')).rejects.toMatchObject({ code: 'SNAPSHOT_CARD_MISMATCH' });
    await writeFile(json(), 'no json');
    await expect(store.find('s-1')).rejects.toMatchObject({ code: 'SNAPSHOT_CARD_MISMATCH' });
  });

  it('says what is broken, what differs, and nothing of what is right', async () => {
    expect(await store.verify('s-1', soon())).toMatchObject({
      facts: { fileSha256: facts.fileSha256 },
      refusals: [],
    });
    await writeFile(
      json(),
      JSON.stringify(SnapshotCard.toJSON({ ...card, facts: { ...facts, contentSha256: 'x' } })),
    );
    expect(await store.verify('s-1', soon())).toMatchObject({
      refusals: [{ code: 'SNAPSHOT_CARD_MISMATCH' }],
    });
    await truncate(store.pathOf('s-1'), 5_000);
    expect((await store.verify('s-1', soon())).facts).toBeUndefined();
  });

  it('lets every other failure through', async () => {
    const gone = AbortSignal.abort(new Error('given up'));
    await expect(store.verify('s-1', gone)).rejects.toThrow(/given up|abort/);
    const late = AbortSignal.abort(new LockstepError('STEP_TIMED_OUT', { message: 'too late' }));
    await expect(store.verify('s-1', late)).rejects.toMatchObject({ code: 'STEP_TIMED_OUT' });
    await rm(json());
    await mkdir(json());
    await expect(store.find('s-1')).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it.each(['..', 'a/b', '.hidden', ''])('has no snapshot called %j', (id) => {
    expect(() => store.pathOf(id)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_NOT_FOUND' }));
  });

  it('makes its directory, durably, before it lists it', async () => {
    const fresh = new SnapshotStore({ directory: join(at, 'fresh'), hostDirectory: '/x', node: 'cp1' });
    let wasThere = false;
    const calls = await tracedBy(
      () => fresh.list(),
      () => {
        wasThere = existsSync(join(at, 'fresh'));
      },
    );
    expect([calls, wasThere]).toEqual([[`sync ${at}`], true]);
  });
});

it('a card is held against the bytes figure by figure', () => {
  expect(cardDifferences(card, facts)).toEqual([]);
  expect(cardDifferences({ ...card, facts: undefined }, facts)).toHaveLength(1);
  for (const change of [
    { fileSha256: 'x' },
    { fileSizeBytes: 1n },
    { contentSha256: 'x' },
    { status: undefined },
  ]) {
    expect(cardDifferences(card, { ...facts, ...change }).length).toBeGreaterThan(0);
  }
});

it('a name is durable once the file bears it, and a full disk is said by its name', async () => {
  await writeFile(join(at, 'from'), 'x');
  let named = false;
  const calls = await tracedBy(
    () => renameDurably(join(at, 'from'), join(at, 'to')),
    () => {
      named = existsSync(join(at, 'to'));
    },
  );
  expect([calls, named]).toEqual([[`sync ${at}`], true]);
  const failing = (code: string) =>
    ({ write: () => Promise.reject(Object.assign(new Error('x'), { code })) }) as unknown as Parameters<
      typeof writeAll
    >[0];
  await expect(writeAll(failing('ENOSPC'), Buffer.from('x'), 'p')).rejects.toMatchObject({
    code: 'DISK_FULL',
  });
  await expect(writeAll(failing('EIO'), Buffer.from('x'), 'p')).rejects.toMatchObject({ code: 'EIO' });
  const offsets: number[] = [];
  const slow = {
    write: async (_bytes: Buffer, offset: number) => {
      offsets.push(offset);
      return { bytesWritten: 1 };
    },
  } as unknown as Parameters<typeof writeAll>[0];
  await writeAll(slow, Buffer.from('xyz'), 'p');
  expect(offsets).toEqual([0, 1, 2]);
});
