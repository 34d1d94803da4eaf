import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EtcdLocalMember } from '@lockstep/agent/adapters/local-member.ts';
import { type SaveDependencies, type SnapshotSource, saveSnapshot } from '@lockstep/agent/snapshots/save.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningEtcd, startEtcd } from '../adapters/support/etcd-process.ts';

/** What a save cannot do is said, and costs nothing: no half file, and the last good one as it was. */
const run = promisify(execFile);
const KEYS = 400;
const VALUE_BYTES = 64_000;
const DISK_BYTES = 64 * 1024 * 1024;
const HOUR_MS = 3_600_000;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

let directory: string;
let etcd: RunningEtcd;
let member: EtcdLocalMember;
let live: SnapshotSource;
let at: string;
let store: SnapshotStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-refusals-'));
  etcd = await startEtcd({ directory });
  using client = new EtcdClient(etcd.endpoint);
  for (let index = 0; index < KEYS; index += 1) {
    await client.put(Buffer.from(`/registry/secrets/default/s${index}`), randomBytes(VALUE_BYTES), signal());
  }
  member = new EtcdLocalMember({ endpoint: async () => etcd.endpoint });
  live = { observe: (until) => member.identify(until), snapshot: (until) => member.snapshot(until) };
}, 60_000);
afterAll(async () => {
  member.close();
  await etcd.kill();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  at = await mkdtemp(join(directory, 'store-'));
  store = storeIn(at);
});

function storeIn(parent: string): SnapshotStore {
  return new SnapshotStore({
    directory: join(parent, 'snapshots'),
    hostDirectory: '/snapshots',
    node: 'cp1',
  });
}

async function save(changes: Partial<SaveDependencies> = {}, progress = (_done: bigint): void => {}) {
  const { card } = await saveSnapshot(
    {
      describe: async () => NodeReport.fromPartial({ node: 'cp1' }),
      member: live,
      store,
      seal: async (each) => ({ card: each, sealed: undefined }),
      now: Date.now,
      ...changes,
    },
    { node: 'cp1', cluster: 'lab', reason: 'a test' },
    progress,
    signal(),
  );
  if (card === undefined) throw new Error('no card');
  return card;
}

/** Nothing but that one snapshot, and it is whole. */
async function expectOnly(card: SnapshotCard): Promise<void> {
  const names = await readdir(join(at, 'snapshots'));
  expect(names.toSorted()).toEqual([`${card.id}.db`, `${card.id}.json`]);
  expect(await store.verify(card.id, signal())).toMatchObject({ refusals: [] });
}

describe('a save is refused, and nothing is lost', () => {
  it('when the member stalls in the middle of the stream', async () => {
    const good = await save();
    let stopped = false;
    const stall = (): void => {
      if (stopped) return;
      stopped = true;
      process.kill(etcd.pid, 'SIGSTOP');
    };
    try {
      await expect(save({ silenceTimeoutMs: 1_500 }, stall)).rejects.toMatchObject({
        code: 'SAVE_FAILED',
        cause: { message: 'The member sent nothing for 1.5 s.' },
      });
    } finally {
      process.kill(etcd.pid, 'SIGCONT');
    }
    expect(stopped).toBe(true);
    await expectOnly(good);
  });

  it('when the member ends in the middle of the stream', async () => {
    const other = await mkdtemp(join(directory, 'other-'));
    const dying = await startEtcd({ directory: other });
    using client = new EtcdClient(dying.endpoint);
    for (let index = 0; index < KEYS; index += 1) {
      await client.put(
        Buffer.from(`/registry/secrets/default/s${index}`),
        randomBytes(VALUE_BYTES),
        signal(),
      );
    }
    const good = await save();
    const of = new EtcdLocalMember({ endpoint: async () => dying.endpoint });
    let killed = false;
    try {
      const source: SnapshotSource = {
        observe: (until) => of.identify(until),
        async *snapshot(until) {
          for await (const bytes of of.snapshot(until)) {
            yield bytes;
            if (!killed) await dying.kill();
            killed = true;
          }
        },
      };
      await expect(save({ member: source })).rejects.toMatchObject({
        code: 'SAVE_FAILED',
        cause: { code: expect.stringMatching(/ETCD_UNREACHABLE|SAVE_FAILED/) },
      });
    } finally {
      of.close();
    }
    expect(killed).toBe(true);
    await expectOnly(good);
  });

  it('when the stream ends early, at whatever byte, or goes on too long', async () => {
    const good = await save();
    const whole = await readFile(store.pathOf(good.id));
    const cuts = [0, 1, 31, 32, 33, 4_096, 1_048_576, whole.length - 33, whole.length - 32, whole.length - 1];
    for (const cut of cuts) {
      await expect(
        save({ member: { ...live, snapshot: () => piecesOf(whole.subarray(0, cut)) } }),
      ).rejects.toMatchObject({
        code: 'SAVE_FAILED',
        cause: { code: expect.stringMatching(/^SNAPSHOT_(TRUNCATED|TRAILER_MISMATCH)$/) },
      });
    }
    const longer = Buffer.concat([whole, Buffer.alloc(1)]);
    await expect(save({ member: { ...live, snapshot: () => piecesOf(longer) } })).rejects.toMatchObject({
      code: 'SAVE_FAILED',
    });
    await expectOnly(good);
  });

  it('when a byte of it changes on the way', async () => {
    const good = await save();
    const bytes = await readFile(store.pathOf(good.id));
    bytes[12_345] = (bytes[12_345] ?? 0) ^ 4;
    await expect(save({ member: { ...live, snapshot: () => piecesOf(bytes) } })).rejects.toMatchObject({
      cause: { code: 'SNAPSHOT_TRAILER_MISMATCH' },
    });
    await expectOnly(good);
  });

  it('when the clock went back for long; a little, and the order stays', async () => {
    const now = Date.now();
    const first = await save({ now: () => now });
    await expect(save({ now: () => now - HOUR_MS })).rejects.toMatchObject({
      code: 'SAVE_FAILED',
      cause: { code: 'CLOCK_WENT_BACK', message: expect.stringContaining(first.id) },
    });
    await expectOnly(first);
    const second = await save({ now: () => now - 5_000 });
    const third = await save({ now: () => now - 4_000 });
    expect([first, second, third].map(({ takenAt }) => takenAt)).toEqual(
      [now, now + 1, now + 2].map((ms) => new Date(ms).toISOString()),
    );
    expect((await store.list()).map(({ card }) => card?.id)).toEqual([third.id, second.id, first.id]);
    expect([second.parentId, third.parentId]).toEqual([first.id, second.id]);
  });

  it('when what a card is made of cannot be had, and ends the stream at once', async () => {
    const good = await save();
    const failing = save({ describe: () => Promise.reject(new Error('the disk of the manifests is gone')) });
    await expect(failing).rejects.toMatchObject({ code: 'SAVE_FAILED' });
    await expectOnly(good);
  });
});

describe.skipIf(!canMount())('a small disk', () => {
  let disk: string;
  beforeEach(async () => {
    disk = await mkdtemp(join(directory, 'disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk]);
    at = disk;
    store = storeIn(disk);
    return async () => {
      await run('umount', [disk]);
    };
  });

  it('is refused before anything is written, where a snapshot would leave too little for etcd', async () => {
    await expect(save()).rejects.toMatchObject({
      cause: { code: 'DISK_FULL', message: expect.stringContaining('stay free for etcd') },
    });
    expect(await readdir(join(disk, 'snapshots'))).toEqual([]);
  });

  it('that fills up meanwhile keeps the last good one, and no half of another', async () => {
    // Who says less than he sends: the disk is full before the stream ends.
    const modest: SnapshotSource = {
      ...live,
      observe: async (until) => ({ ...(await live.observe(until)), dbSizeBytes: -(1n << 40n) }),
    };
    const good = await save({ member: modest });
    await writeFile(join(disk, 'filler'), Buffer.alloc(DISK_BYTES - 40_000_000));
    await expect(save({ member: modest })).rejects.toMatchObject({
      code: 'SAVE_FAILED',
      cause: { code: 'DISK_FULL' },
    });
    await expectOnly(good);
  });
});

describe('a save that was killed', () => {
  it('leaves a file that goes at the next start, and that is nobody’s pull', async () => {
    const good = await save();
    const killed = store.savingOf('s-killed');
    await writeFile(killed, 'half of it');
    await writeFile(store.partOf('s-pulled'), 'half of another');
    await mkdir(store.logOf('s-killed'));
    await mkdir(store.logOf(good.id));
    const swept = await storeIn(at).sweep();
    expect(swept.toSorted()).toEqual(['.s-killed.save.part', 's-killed.wal']);
    expect([killed, store.logOf('s-killed')].some(existsSync)).toBe(false);
    expect([store.partOf('s-pulled'), store.logOf(good.id)].every(existsSync)).toBe(true);
    expect(await store.verify(good.id, signal())).toMatchObject({ refusals: [] });
  });
});

async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 32_768) yield bytes.subarray(at, at + 32_768);
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
