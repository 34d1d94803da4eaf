import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_BYTES, packChunk } from '@lockstep/agent/snapshots/chunks.ts';
import { PackedChunks } from '@lockstep/agent/snapshots/packed-chunks.ts';
import { type OpenSnapshot, pullSnapshot } from '@lockstep/agent/snapshots/pull.ts';
import { serveSnapshot } from '@lockstep/agent/snapshots/serve.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';
import { Etcd } from '../snapshot/etcd.ts';

/** A pull that is cut, and one that is lied to: at any byte, by any byte. The store is a real one of four chunks, small enough to be read without workers. */
const RUNS = 12;
const VALUE_BYTES = 90_000;
const KEYS = 38;
const soon = (): AbortSignal => deadline(60_000);
const SOURCES = [{ node: 'cp1', address: '' }];

let scratch: string;
let source: SnapshotStore;
let bytes: Buffer;
let card: SnapshotCard;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lockstep-cuts-'));
  const { etcd: tools } = await locateTools();
  await using etcd = await Etcd.start(tools);
  for (let index = 0; index < KEYS; index += 1) {
    await etcd.put(`/registry/configmaps/default/c${index}`, `${index} `.repeat(VALUE_BYTES / 3));
  }
  source = new SnapshotStore({ directory: join(scratch, 'source'), hostDirectory: '/s', node: 'cp1' });
  await source.prepare();
  await copyFile(await etcd.snapshot(), source.partOf('s-1'));
  const facts = await readSnapshotFacts(source.partOf('s-1'), { trailer: 'required' }, soon());
  card = SnapshotCard.fromPartial({
    id: 's-1',
    cluster: 'lab',
    node: 'cp1',
    takenAt: '2026-01-01T00:00:00.000Z',
    facts,
  });
  await source.keep({ card, sealed: undefined });
  bytes = await readFile(source.pathOf('s-1'));
  if (bytes.length <= 3 * CHUNK_BYTES) throw new Error('the snapshot is too small to be cut in many ways');
}, 60_000);
afterAll(() => rm(scratch, { recursive: true, force: true }));

const fresh = async (): Promise<SnapshotStore> =>
  new SnapshotStore({
    directory: join(await mkdtemp(join(scratch, 'into-')), 'snapshots'),
    hostDirectory: '/s',
    node: 'cp2',
  });
const pull = (store: SnapshotStore, openSnapshot: OpenSnapshot): Promise<void> =>
  pullSnapshot({ store, openSnapshot }, { card, sealed: undefined }, SOURCES, () => undefined, soon());
const served: OpenSnapshot = (_source, snapshotId, offsetBytes, signal) =>
  serveSnapshot({ store: source, packed: new PackedChunks() }, { snapshotId, offsetBytes }, signal);

it('goes on after cuts at any bytes, and asks for no byte twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: bytes.length }), { minLength: 1, maxLength: 4 }),
      async (cuts) => {
        const store = await fresh();
        await store.prepare();
        const asked: bigint[] = [];
        const ends = cuts.toSorted((a, b) => a - b);
        // Whoever was cut off has written up to there: a process can end within any write.
        for (const end of ends) {
          await writeFile(store.partOf('s-1'), bytes.subarray(0, end));
          const cutOff: OpenSnapshot = (_source, _id, offset) => {
            asked.push(offset);
            throw new Error('cut');
          };
          const ended = await pull(store, cutOff).then(
            () => 'whole',
            (thrown: { code?: string }) => thrown.code,
          );
          expect(ended).toBe(end < bytes.length ? 'PULL_FAILED' : 'whole');
          expect(asked.splice(0)).toEqual(end < bytes.length ? [BigInt(end), BigInt(end)] : []);
        }
        const last = ends.at(-1) ?? 0;
        // One that came whole has its name already.
        if (last < bytes.length) {
          await pull(store, (at, id, offset, signal) => {
            asked.push(offset);
            return served(at, id, offset, signal);
          });
        }
        expect(asked).toEqual(last < bytes.length ? [BigInt(last)] : []);
        expect((await readFile(store.pathOf('s-1'))).equals(bytes)).toBe(true);
      },
    ),
    { numRuns: RUNS },
  );
}, 240_000);

it('finds a chunk that changed on the way at that chunk, keeps what came before, and ends well', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: bytes.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (wrongByte, change) => {
        const store = await fresh();
        const wrongChunk = Math.floor(wrongByte / CHUNK_BYTES) * CHUNK_BYTES;
        const asked: bigint[] = [];
        const lying: OpenSnapshot = async function* (_source, _id, offset) {
          asked.push(offset);
          for (let at = Number(offset); at < bytes.length; at += CHUNK_BYTES) {
            const chunk = await packChunk(
              bytes.subarray(at, at + CHUNK_BYTES),
              BigInt(at),
              BigInt(bytes.length),
            );
            if (asked.length > 1 || at !== wrongChunk) {
              yield chunk;
              continue;
            }
            // The digest is of what was meant, the bytes are not: as a wire or a memory changes them.
            const data = Buffer.from(bytes.subarray(at, at + CHUNK_BYTES));
            data[wrongByte - at] = (data[wrongByte - at] ?? 0) ^ change;
            yield { ...chunk, data, compressed: false };
          }
        };
        await pull(store, lying);
        expect(asked).toEqual([0n, BigInt(wrongChunk)]);
        expect((await readFile(store.pathOf('s-1'))).equals(bytes)).toBe(true);
      },
    ),
    { numRuns: RUNS },
  );
}, 240_000);

it('a part whose last write was torn is begun anew, not believed', async () => {
  const store = await fresh();
  await store.prepare();
  await writeFile(store.partOf('s-1'), bytes);
  // As a file system may leave it after a power loss: the length is there, the bytes are not.
  await truncate(store.partOf('s-1'), CHUNK_BYTES);
  await truncate(store.partOf('s-1'), 2 * CHUNK_BYTES);
  await pull(store, served);
  expect((await readFile(store.pathOf('s-1'))).equals(bytes)).toBe(true);
});
