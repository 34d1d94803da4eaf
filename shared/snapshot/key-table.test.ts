import { expect, it } from 'vitest';
import { KeyTable } from './key-table.ts';
import { finish } from './steps.ts';

const EMPTY = new Uint8Array(0);
const row = (main: number) => ({ main, sub: 0, note: 0 });

it('holds the empty key, which the row of a bump has, as the first of a store', () => {
  const table = new KeyTable();
  table.put(EMPTY, 0, 0, row(2));
  expect([...table]).toEqual([['', row(2)]]);
});

it('holds the empty key behind a key that fills its chunk', () => {
  const table = new KeyTable();
  const long = new Uint8Array(256 * 1024).fill(0x61);
  table.put(long, 0, long.length, row(2));
  table.put(EMPTY, 0, 0, row(3));
  table.put(EMPTY, 0, 0, row(4));
  expect(table.get('')).toEqual(row(4));
  expect(table.get('a'.repeat(long.length))).toEqual(row(2));
});

it('is a map of what was put last, over many pieces', () => {
  const table = new KeyTable();
  const expected = new Map<string, ReturnType<typeof row>>();
  const keyOf = (at: number) => `/registry/pods/p${at}`;
  const bytesOf = (at: number) => Buffer.from(`..${keyOf(at)}..`);
  for (let at = 0; at < 40_000; at++) {
    const bytes = bytesOf(at);
    table.put(bytes, 2, bytes.length - 2, row(at));
    expected.set(keyOf(at), row(at));
  }
  for (let at = 0; at < 40_000; at += 7) {
    const bytes = bytesOf(at);
    if (at % 2 === 0) {
      table.delete(bytes, 2, bytes.length - 2);
      expected.delete(keyOf(at));
    } else {
      table.put(bytes, 2, bytes.length - 2, row(-at));
      expected.set(keyOf(at), row(-at));
    }
  }
  expect(new Map(table)).toEqual(expected);
  expect(table.size).toBe(expected.size);
  expect(table.get(keyOf(39_999))).toEqual(row(39_999));
  expect(table.has(keyOf(14))).toBe(false);
  expect(finish(table.endingWith('p39999'))).toEqual([keyOf(39_999)]);
  // A large table is gone through piece by piece.
  expect([...table.endingWith('p39999')]).toHaveLength(2);
});
