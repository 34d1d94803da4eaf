import { describe, expect, it } from 'vitest';
import {
  failureOf,
  isRefusal,
  isTransient,
  isUnreachable,
  isWorthRepeating,
  saysNeverTaken,
} from './failures.ts';

const failure = (code: string) => ({ code, node: '', message: '', cure: '', causes: [] });

describe('what a failure says', () => {
  it.each([
    // code, transient, unreachable, never taken, refusal
    ['UNREACHABLE', true, true, false, false],
    ['NODE_UNREACHABLE', true, true, false, false],
    ['EFFECT_IN_FLIGHT', true, false, false, true],
    ['EXECUTOR_BUSY', true, false, false, false],
    ['PLAN_UNKNOWN', false, false, true, true],
    ['OPERATION_NOT_FOUND', false, false, true, true],
    ['OPERATION_IN_PROGRESS', false, false, true, true],
    ['LEDGER_STRANGER', false, false, true, true],
    ['DISK_FULL', false, false, false, false],
    ['PLAN_DRIFTED', false, false, false, true],
    ['A_CODE_OF_TOMORROW', false, false, false, false],
  ])('%s', (code, transient, unreachable, neverTaken, refused) => {
    expect({
      transient: isTransient(failure(code)),
      unreachable: isUnreachable(failure(code)),
      neverTaken: saysNeverTaken(failure(code)),
    }).toEqual({ transient, unreachable, neverTaken });
    expect(isRefusal(failure(code))).toBe(refused);
    expect(isWorthRepeating(failure(code))).toBe(false);
  });

  it('names its causes by their nodes', () => {
    const causes = [
      { ...failure('DISK_FULL'), node: 'cp1', message: 'm' },
      { ...failure('ABORTED'), message: 'n' },
    ];
    expect(failureOf('UNDO_FAILED', 'words', '', causes).causes).toEqual(['cp1: DISK_FULL: m', 'ABORTED: n']);
    expect(isWorthRepeating(failure('PULL_FAILED'))).toBe(true);
  });
});
