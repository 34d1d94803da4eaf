import { afterAll, expect, it } from 'vitest';
import { type Entry, putRow, tombstoneRow, writeStore } from '../snapshot/testing/store-writer.ts';
import { TemporaryFiles } from '../snapshot/testing/temporary-file.ts';
import { openEvidence } from './open.ts';

const files = new TemporaryFiles();
afterAll(() => files[Symbol.dispose]());

const PAGE_BYTES = 4096;
const current = writeStore({ key: [putRow(9, 0, 'live', 'now')], meta: [['a', 'b']] });
const FREE = current.length / PAGE_BYTES;

/** The pages of one leaf that holds these rows, as it would lie at page FREE. */
function leaf(rows: readonly Entry[]): Buffer {
  const store = writeStore({ key: rows, meta: [] }, { entriesPerLeaf: 99 });
  const pages = store.readUInt32LE(2 * PAGE_BYTES + 12) + 1;
  const run = Buffer.from(store.subarray(2 * PAGE_BYTES, (2 + pages) * PAGE_BYTES));
  run.writeBigUInt64LE(BigInt(FREE), 0);
  return run;
}

/** Behind the pages that the store uses: a store in a data directory has such. */
function carvedFrom(free: Buffer): string[] {
  using evidence = openEvidence(files.write(Buffer.concat([current, free])));
  const found: string[] = [];
  evidence.carved(({ main, sub, key, deleted, page, value }) => {
    found.push(`${main}.${sub} ${key} ${deleted ? 'gone' : value.length} @${page - FREE}`);
  });
  return found;
}

const rows = [
  putRow(3, 0, 'small', 'x'),
  putRow(4, 1, 'large', 'y'.repeat(9000)),
  tombstoneRow(5, 0, 'small'),
  putRow(9, 0, 'live', 'now'),
];

it('tells what the tree does not hold, once', () => {
  const again = leaf(rows);
  again.writeBigUInt64LE(BigInt(FREE + 3), 0);
  expect(carvedFrom(Buffer.concat([leaf(rows), again]))).toEqual([
    '3.0 small 1 @0',
    '4.1 large 9000 @0',
    '5.0 small gone @0',
  ]);
});

it('leaves out what another page was written over', () => {
  const run = leaf(rows);
  const other = leaf([putRow(7, 0, 'other', 'z')]);
  other.writeBigUInt64LE(BigInt(FREE + 1), 0);
  other.copy(run, PAGE_BYTES);
  expect(carvedFrom(run)).toEqual(['3.0 small 1 @0', '7.0 other 1 @1']);
});

it('reads what is there of a run that the file ends within', () => {
  expect(carvedFrom(leaf(rows).subarray(0, PAGE_BYTES + 100))).toEqual(['3.0 small 1 @0']);
});

it.each([
  [
    'a put that says another revision inside',
    [[Buffer.from(putRow(6, 0, 'a', '')[0]), putRow(7, 0, 'a', '')[1]]],
  ],
  ['a row without a key', [putRow(6, 0, '', 'x')]],
  ['an entry of another bucket', [['consistent_index', Buffer.alloc(8)]]],
] as ReadonlyArray<readonly [string, Entry[]]>)('does not tell %s', (_name, entries) => {
  expect(carvedFrom(leaf(entries))).toEqual([]);
});

it('takes no harm from garbage', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const run = leaf(rows);
    for (let at = 8, state = seed; at < 200; at++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      if (state >>> 29 === 0) run[at] = state >>> 16;
    }
    for (const told of carvedFrom(run)) expect(told).toMatch(/@\d$/);
  }
});
