import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { type Entry, putRow, sealed, writeStore } from '@lockstep/shared/snapshot/testing/store-writer.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../demo/baseline/random.ts';
import { snapshotFiles, withAlteredSnapshot } from '../e2e/support/alter-snapshot.ts';
import { planRestore, put, runRestore, saveSnapshot } from '../e2e/support/cluster.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { readControlPlane } from '../e2e/support/tree.ts';
import { Etcd } from '../integration/snapshot/etcd.ts';
import { Lab } from '../lab/lab.ts';
import { locateTools } from '../lab/tools/locate.ts';
import { OutcomeTable } from './support/outcome-table.ts';
import { chooseSeed } from './support/seed.ts';
import { STRATA, type Stratum, spansOf } from './support/store-pages.ts';

const PLACES = 1_000;
const TRAILER_BYTES = 32;
const READ_TIMEOUT_MS = 10_000;

interface Place {
  readonly at: number;
  readonly bit: number;
}

/** Any bit of a stratum, each span and each byte of it as likely as the others. */
function placeIn(snapshot: Buffer, stratum: Stratum, random: Random): Place {
  const spans = spansOf(snapshot).get(stratum) ?? [];
  const [first, ...others] = spans;
  if (first === undefined) throw new Error(`the snapshot has nothing of ${stratum}`);
  const { from, to } = random.pick([first, ...others]);
  return { at: from + random.integer(0, to - from - 1), bit: random.integer(0, 7) };
}

function flipped(snapshot: Buffer, { at, bit }: Place): Buffer {
  const copy = Buffer.from(snapshot);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at);
  return copy;
}

function resealed(bytes: Buffer): Buffer {
  const end = bytes.length - TRAILER_BYTES;
  createHash('sha256').update(bytes.subarray(0, end)).digest().copy(bytes, end);
  return bytes;
}

/** A snapshot on the shelf of the store that proves it for a plan, at STAGE and at `snapshot verify`. */
class Shelved {
  readonly whole: Buffer;
  readonly #id: string;
  readonly #path: string;
  readonly #store: SnapshotStore;

  private constructor(whole: Buffer, id: string, directory: string) {
    this.whole = whole;
    this.#id = id;
    this.#path = join(directory, `${id}.db`);
    this.#store = new SnapshotStore({ directory, hostDirectory: '/snapshots', node: 'cp1' });
  }

  static async put(whole: Buffer, id: string, directory: string): Promise<Shelved> {
    const shelved = new Shelved(whole, id, directory);
    writeFileSync(shelved.#path, whole);
    const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
    const facts = await readSnapshotFacts(shelved.#path, { trailer: 'required' }, signal);
    const card = SnapshotCard.fromPartial({ id, cluster: 'lab', node: 'cp1', facts });
    writeFileSync(join(directory, `${id}.json`), JSON.stringify(SnapshotCard.toJSON(card)));
    return shelved;
  }

  /** Codes of the refusals of these bytes in its place; none where nothing is found. */
  async refusedAs(bytes: Buffer): Promise<string> {
    const fd = openSync(this.#path, 'r+');
    try {
      writeSync(fd, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(fd);
    }
    const { refusals } = await this.#store.verify(this.#id, AbortSignal.timeout(READ_TIMEOUT_MS));
    return refusals.map(({ code }) => code).join();
  }
}

/** etcd keeps no list of free pages on disk; bbolt does where it is not told otherwise. */
function withFreelist(): Buffer {
  const rows = Array.from({ length: 60 }, (_, index) =>
    putRow(index + 2, 0, `/registry/pods/a/p${index}`, 'x'),
  );
  const meta: Entry[] = [['consistent_index', Buffer.alloc(8)]];
  return sealed(writeStore({ key: rows, meta }, { entriesPerLeaf: 8, freePages: 40 }));
}

describe('one bit flipped in a snapshot', () => {
  let directory: string;
  let saved: Shelved;
  let listed: Shelved;
  const table = new OutcomeTable('bits flipped, by what the byte belongs to', [
    'stratum',
    'trailer',
    'found by',
  ]);
  const random = new Random(chooseSeed('bytes'));

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bytes-'));
    const { etcd: tools } = await locateTools();
    await using etcd = await Etcd.start(tools);
    for (let index = 0; index < 400; index++) {
      await etcd.put(`/registry/pods/a/p${index % 90}`, Buffer.alloc(300 + (index % 5) * 2000, index));
    }
    await etcd.delete('/registry/pods/a/p3');
    await etcd.call('kv/compaction', { revision: 150, physical: true });
    await etcd.put('/registry/namespaces/default', 'x');
    saved = await Shelved.put(readFileSync(await etcd.snapshot()), 's-1', directory);
    listed = await Shelved.put(withFreelist(), 's-2', directory);
  });
  afterAll(() => {
    table.print();
    rmSync(directory, { recursive: true, force: true });
  });

  it('is nowhere in the whole ones', async () => {
    for (const shelved of [saved, listed]) {
      expect(await shelved.refusedAs(shelved.whole)).toBe('');
      expect(await shelved.refusedAs(resealed(Buffer.from(shelved.whole)))).toBe('');
    }
  });

  it(`is found in each of ${PLACES} places, with the trailer as it was and made anew`, async () => {
    const unseen: string[] = [];
    for (let count = 0; count < PLACES; count++) {
      // As many places of each stratum as of any other, wherever in it.
      const stratum = STRATA[count % STRATA.length] as Stratum;
      const shelved = stratum === 'freelist' ? listed : saved;
      const place = placeIn(shelved.whole, stratum, random);
      for (const trailer of ['as it was', 'made anew'] as const) {
        // A trailer that is made anew is what it was: nothing is flipped then.
        if (stratum === 'trailer' && trailer === 'made anew') continue;
        const bytes = flipped(shelved.whole, place);
        const code = await shelved.refusedAs(trailer === 'as it was' ? bytes : resealed(bytes));
        if (code === '') unseen.push(`${stratum} at ${place.at}, bit ${place.bit}, trailer ${trailer}`);
        table.add(stratum, trailer, code === '' ? 'nobody' : code);
      }
    }
    expect(unseen).toEqual([]);
  });
});

/** The same through the whole command: refused, nothing changed on any node. */
describe('one bit flipped in a node’s snapshot', () => {
  let lab: Lab;
  let snapshot: string;
  const random = new Random(chooseSeed('bytes through the command'));
  const table = new OutcomeTable('bits flipped in a node’s snapshot, then a restore', [
    'stratum',
    'trailer',
    'outcome',
  ]);
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3 });
    await loadObjects(lab);
    for (let index = 0; index < 40; index++) {
      await put(lab, `/registry/configmaps/default/large-${index % 8}`, `${index}`.repeat(4_000));
    }
    await lab.etcdctl('cp1', ['del', '--prefix', '/registry/configmaps/default/large']);
    await put(lab, '/registry/configmaps/default/large', 'x'.repeat(20_000));
    snapshot = await saveSnapshot(lab);
  });
  afterAll(async () => {
    table.print();
    await lab?.down();
  });

  it('refuses the plan, whatever it belongs to, and changes nothing', async () => {
    const files = snapshotFiles(lab, snapshot);
    const bytes = readFileSync(files.bytes);
    const before = lab.nodes.map(({ root }) => readControlPlane(root));
    // Of the freelist etcd stores nothing.
    for (const stratum of STRATA.filter((each) => each !== 'freelist')) {
      for (const trailer of stratum === 'trailer' ? [false] : [false, true]) {
        const place = placeIn(bytes, stratum, random);
        const { said, exitCode } = await withAlteredSnapshot(
          files,
          (whole) => flipped(whole, place),
          { trailer, card: false },
          async () => runRestore(lab, snapshot),
        );
        table.add(stratum, trailer ? 'made anew' : 'as it was', `${said.outcome} ${said.code}`);
        expect(exitCode, JSON.stringify({ stratum, place, said })).toBe(5);
      }
    }
    expect(lab.nodes.map(({ root }) => readControlPlane(root))).toEqual(before);
    expect((await planRestore(lab, snapshot)).exitCode).toBe(0);
  });
});
