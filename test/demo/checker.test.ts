import { expect, test } from 'vitest';
import { compareBaseline, remainingOf } from './checker.ts';

const digests = new Map([
  ['/a', '1'],
  ['/b', '2'],
  ['/c', '3'],
]);

test('what is gone and what has other bytes is counted apart', () => {
  const found = new Map([
    ['/a', '1'],
    ['/b', 'other'],
    ['/new', '9'],
  ]);
  expect(compareBaseline(digests, found)).toEqual({ missing: 1, changed: 1 });
  expect(compareBaseline(digests, digests)).toEqual({ missing: 0, changed: 0 });
});

test('each deed of the intruder that stands is counted', () => {
  const intrusion = { added: ['/miner', '/binding'], deleted: ['/a'], changed: ['/b', '/c'], pods: [] };
  const during = new Map([
    ['/miner', '7'],
    ['/binding', '8'],
    ['/b', 'known to the intruder'],
    ['/c', '3'],
  ]);
  expect(remainingOf(intrusion, digests, during)).toBe(4);
  expect(remainingOf(intrusion, digests, digests)).toBe(0);
});
