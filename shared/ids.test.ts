import { expect, it } from 'vitest';
import { isOperationId, timedId } from './ids.ts';

it('an operation has a name that a file can have', () => {
  expect(isOperationId(timedId('r', Date.UTC(2026, 10, 22)))).toBe(true);
  for (const odd of ['', '.', '..', '../r-1', 'r/1', '.r', '-r', 'r 1', 'r\n', 'r'.repeat(65)]) {
    expect(isOperationId(odd)).toBe(false);
  }
});
