import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { DescribeKeptResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';

/** One node's kept OLD. */
export interface KeptOld {
  readonly node: string;
  readonly kept: DescribeKeptResponse;
}

/**
 * The kept OLD that knows most: the last applied entry of the raft log orders the members of one
 * cluster, and what a member lacks another may have. Undefined where there is none.
 */
export function fullestKept(found: readonly KeptOld[]): KeptOld | undefined {
  return [...found].sort(
    (a, b) =>
      compare(b.kept.consistentIndex, a.kept.consistentIndex) ||
      compare(b.kept.revision, a.kept.revision) ||
      (a.node < b.node ? -1 : 1),
  )[0];
}

/**
 * What the log of a member that was killed may hold beyond its database: etcd writes the database
 * a tenth of a second late. API servers stop long before etcd does, so it is as a rule nothing
 * that any of them was told is safe; but a rule is no proof.
 */
export function keptWarnings({ node, kept }: KeptOld): Refusal[] {
  if (kept.lastIndex <= kept.consistentIndex) return [];
  const words = `the log on ${node} goes to entry ${kept.lastIndex}, its database to ${kept.consistentIndex}`;
  return [refusal('KEPT_BEHIND_LOG', words, node)];
}

/** How a snapshot made of a kept OLD is told from others; one that is there is not made again. */
export function reasonOfKept(operationId: string): string {
  return `kept by ${operationId}: what was live before it`;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
