import { expect, it } from 'vitest';
import { RowSet } from './row-set.ts';

it('tells what it has not seen yet, over many rows and large revisions', () => {
  const set = new RowSet();
  const rows = Array.from(
    { length: 5000 },
    (_, index) => [1 + (index >> 1) + (index % 7) * 2 ** 45, index & 1] as const,
  );
  expect(rows.map(([main, sub]) => set.add(main, sub)).every(Boolean)).toBe(true);
  expect(rows.map(([main, sub]) => set.add(main, sub)).some(Boolean)).toBe(false);
  expect(set.add(1, 2)).toBe(true);
});
