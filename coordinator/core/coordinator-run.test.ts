import { expect, it } from 'vitest';
import { isSameCoordinator, runOf } from './coordinator-run.ts';

it('knows the runs of one coordinator, whatever dots its name has', () => {
  expect(isSameCoordinator(runOf('c.example', 'ab'), runOf('c.example', 'cd'))).toBe(true);
  expect(isSameCoordinator(runOf('c.example', 'ab'), runOf('c', 'ab'))).toBe(false);
  expect(isSameCoordinator('c1', 'c1')).toBe(true);
});
