import { expect, test } from 'vitest';
import { median, verdicts } from '../../bench/verdict.ts';

test.each([
  [[3], 3],
  [[5, 1, 3], 3],
  [[4, 1, 3, 2], 2.5],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('no values have no median', () => {
  expect(() => median([])).toThrow('no values');
});

const results = (lockstepMs: number) => ({
  lockstep: [lockstepMs],
  floor: [8_000],
  'bare-floor': [6_000],
  runbook: [30_000],
  'good-script': [14_000],
  'knowing-script': [12_000],
});

test('each promise is held to its own limit', () => {
  expect(verdicts(results(9_500)).map(({ holds }) => holds)).toEqual([true, true, true, true]);
  expect(verdicts(results(9_801)).map(({ holds }) => holds)).toEqual([false, true, true, false]);
  expect(verdicts(results(12_001)).map(({ holds }) => holds)).toEqual([false, false, false, false]);
});

test('a verdict says both figures', () => {
  expect(verdicts(results(9_500))[0]?.text).toBe('at most the floor and 1.5 s: 9.50 s <= 9.50 s');
});
