import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateAllEtcd } from '../../lab/tools/locate.ts';
import { Etcd } from './etcd.ts';

const PAGE_BYTES = 4096;
const TRAILER_BYTES = 32;
const READ_TIMEOUT_MS = 5_000;

let directory: string;
/** A snapshot of a real etcd with free pages, overflowing values and a tree of two levels. */
let snapshot: Buffer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-damage-'));
  const [tools] = await locateAllEtcd();
  if (tools === undefined) throw new Error('no etcd was found');
  await using etcd = await Etcd.start(tools);
  for (let index = 0; index < 250; index++) {
    await etcd.put(`/registry/pods/a/p${index % 60}`, Buffer.alloc(300 + (index % 5) * 2000, index));
  }
  await etcd.put('/registry/namespaces/default', 'x');
  await etcd.delete('/registry/pods/a/p3');
  await etcd.call('kv/compaction', { revision: 120, physical: true });
  await etcd.put('/registry/pods/a/last', 'x');
  snapshot = await readFile(await etcd.snapshot());
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** "read", or the code of the refusal; anything else that is thrown fails the test. */
async function outcome(bytes: Uint8Array): Promise<string> {
  const path = join(directory, 'case.db');
  await writeFile(path, bytes);
  try {
    await readSnapshotFacts(path, { trailer: 'required' }, AbortSignal.timeout(READ_TIMEOUT_MS));
    return 'read';
  } catch (thrown) {
    if (thrown instanceof LockstepError) return thrown.code;
    throw thrown;
  }
}

function changed(change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(snapshot);
  change(copy);
  return copy;
}

function resealed(bytes: Buffer): Buffer {
  const image = bytes.subarray(0, bytes.length - TRAILER_BYTES);
  return Buffer.concat([image, createHash('sha256').update(image).digest()]);
}

describe('a damaged snapshot', () => {
  it('is read while it is whole', async () => {
    expect(await outcome(snapshot)).toBe('read');
    expect(await outcome(resealed(snapshot))).toBe('read');
  });

  it('is refused with one byte flipped, in any page, free ones too, and in the trailer', async () => {
    const outcomes = new Set<string>();
    for (let page = 0; page * PAGE_BYTES < snapshot.length; page++) {
      const at =
        page * PAGE_BYTES + ((page * 769) % Math.min(PAGE_BYTES, snapshot.length - page * PAGE_BYTES));
      outcomes.add(await outcome(changed((copy) => copy.writeUInt8(copy[at]! ^ 0x40, at))));
    }
    expect([...outcomes]).toEqual(['SNAPSHOT_TRAILER_MISMATCH']);
  });

  it('is refused cut off anywhere', async () => {
    for (const length of [
      0,
      10,
      100,
      4095,
      4096,
      8192,
      12_345,
      snapshot.length >> 1,
      snapshot.length - 4096,
    ]) {
      expect(await outcome(snapshot.subarray(0, length))).toBe('SNAPSHOT_TRUNCATED');
      expect(await outcome(resealed(snapshot.subarray(0, length + TRAILER_BYTES)))).toBe(
        'SNAPSHOT_TRUNCATED',
      );
    }
    expect(await outcome(snapshot.subarray(0, -1))).toBe('SNAPSHOT_TRUNCATED');
    expect(await outcome(snapshot.subarray(0, -TRAILER_BYTES))).toBe('SNAPSHOT_TRAILER_MISSING');
  });

  it('is refused for its structure where the trailer was made anew', async () => {
    const used = pagesInUse();
    expect(used.length).toBeGreaterThan(20);
    for (const page of used) {
      const at = page * PAGE_BYTES;
      const damages: ((copy: Buffer) => void)[] = [
        (copy) => copy.writeUInt8(copy[at]! ^ 1, at),
        (copy) => copy.writeUInt8(copy[at + 8]! ^ 0x40, at + 8),
        (copy) => copy.writeUInt8(copy[at + 11]! ^ 0x80, at + 11),
        (copy) => copy.writeUInt8(copy[at + 15]! ^ 0x80, at + 15),
      ];
      for (const damage of damages) expect(await outcome(resealed(changed(damage)))).toBe('SNAPSHOT_CORRUPT');
    }
  });

  it('with both headers destroyed is no store', async () => {
    expect(await outcome(resealed(changed((copy) => copy.fill(0, 0, 2 * PAGE_BYTES))))).toBe(
      'SNAPSHOT_CORRUPT',
    );
  });

  it('never crashes the reader nor keeps it: facts or a code, whatever is changed', async () => {
    const pages = Math.floor(snapshot.length / PAGE_BYTES);
    const byte = fc.record({ at: fc.nat(snapshot.length - TRAILER_BYTES - 1), value: fc.nat(255) });
    const inHeader = fc.record({
      at: fc.tuple(fc.nat(pages - 1), fc.nat(63)).map(([page, at]) => page * PAGE_BYTES + at),
      value: fc.nat(255),
    });
    const word = fc.constantFrom(0, 1, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(byte, inHeader), { minLength: 1, maxLength: 12 }),
        fc.array(fc.record({ page: fc.nat(pages - 1), at: fc.nat(40), word }), {
          maxLength: 4,
        }),
        async (bytes, words) => {
          const bad = changed((copy) => {
            for (const { at, value } of bytes) copy.writeUInt8(value, at);
            for (const { page, at, word } of words) copy.writeUInt32LE(word, page * PAGE_BYTES + at * 4);
          });
          expect(await outcome(resealed(bad))).toMatch(/^(read|SNAPSHOT_(CORRUPT|TRUNCATED))$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** Branch and leaf pages that the tree reaches: the others are free, and damage in them is the trailer's to find. */
function pagesInUse(): number[] {
  const used = new Set<number>();
  const visit = (page: number): void => {
    used.add(page);
    const at = page * PAGE_BYTES;
    const [flags, count] = [snapshot.readUInt16LE(at + 8), snapshot.readUInt16LE(at + 10)];
    for (let index = 0; index < count; index++) {
      const element = at + 16 + index * 16;
      if (flags === 1) visit(Number(snapshot.readBigUInt64LE(element + 8)));
      else if (snapshot.readUInt32LE(element) === 1) {
        const value = element + snapshot.readUInt32LE(element + 4) + snapshot.readUInt32LE(element + 8);
        const root = Number(snapshot.readBigUInt64LE(value));
        if (root !== 0) visit(root);
      }
    }
  };
  visit(Number(snapshot.readBigUInt64LE(16 + 16)));
  return [...used];
}
