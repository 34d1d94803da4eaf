import { expect, it } from 'vitest';
import { KeyTable } from './key-table.ts';

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
