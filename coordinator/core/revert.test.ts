import { DescribeKeptResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { expect, it } from 'vitest';
import { fullestKept, keptWarnings } from './revert.ts';

const kept = (
  node: string,
  consistentIndex: bigint,
  revision: bigint,
  lastIndex = consistentIndex,
): { node: string; kept: DescribeKeptResponse } => ({
  node,
  kept: DescribeKeptResponse.fromPartial({ consistentIndex, revision, lastIndex }),
});

it('reverts to the kept store that has applied most, whichever order they come in', () => {
  const found = [kept('cp1', 9n, 5n), kept('cp2', 12n, 7n), kept('cp3', 12n, 8n)];
  expect(fullestKept(found)?.node).toBe('cp3');
  expect(fullestKept(found.toReversed())?.node).toBe('cp3');
  expect(fullestKept([])).toBeUndefined();
});

it('says where a log goes beyond its database', () => {
  expect(keptWarnings(kept('cp1', 9n, 5n))).toEqual([]);
  expect(keptWarnings(kept('cp1', 9n, 5n, 11n))).toMatchObject([{ code: 'KEPT_BEHIND_LOG', node: 'cp1' }]);
});
