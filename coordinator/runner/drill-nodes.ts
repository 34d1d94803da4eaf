import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { RunDrillRequest } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { type DrillNode, drillOrder } from '../core/drill-choice.ts';
import { isBadAt } from '../core/standing.ts';
import { inspectNodes } from './inventory.ts';
import type { AgentClient, Agents } from './ports.ts';
import { listSnapshots } from './snapshots.ts';

/** A node that may drill. */
export interface DrillingNode {
  readonly client: AgentClient;
  /** It has the snapshot on its own disk. */
  readonly holds: boolean;
}

/**
 * All that may drill now, whether or not they hold the snapshot: the least disturbed first, and
 * last those whose own copy was found broken. Throws NODE_MISSING; OPERATION_IN_PROGRESS or
 * UNREACHABLE where the one that is named, or everybody who holds it, cannot be asked.
 */
export async function drillingNodes(
  agents: Agents,
  clock: Clock,
  { snapshotId, node, store }: Pick<RunDrillRequest, 'snapshotId' | 'node' | 'store'>,
  signal: AbortSignal,
): Promise<DrillingNode[]> {
  if (node !== '' && !agents.known().some((each) => each.node === node)) {
    throw new LockstepError('NODE_MISSING', { node, message: `There is no node ${node}.` });
  }
  const [{ snapshots }, nodes] = await Promise.all([
    listSnapshots(agents, signal),
    inspectNodes(agents, clock, signal),
  ]);
  const held = new Map(
    snapshots
      .filter(({ card }) => card?.id === snapshotId)
      .map((each) => [each.node, each.marks?.proofs ?? []]),
  );
  const isBroken = (place: string): boolean => isBadAt(held.get(place) ?? [], place);
  const free = drillOrder(nodes).toSorted((a, b) => Number(isBroken(a.node)) - Number(isBroken(b.node)));
  const wanted = nodes.filter((each) => {
    if (node !== '') return each.node === node;
    return store !== '' || held.size === 0 || held.has(each.node);
  });
  if (!free.some((each) => wanted.includes(each))) requireFree(snapshotId, wanted);
  return free.map((each) => ({ client: agents.client(each), holds: held.has(each.node) }));
}

function requireFree(snapshotId: string, nodes: readonly DrillNode[]): void {
  const busy = nodes.find(({ report }) => (report?.openOperationId ?? '') !== '');
  if (busy !== undefined) {
    throw new LockstepError('OPERATION_IN_PROGRESS', {
      node: busy.node,
      message: `${busy.report?.openOperationId} is open on ${busy.node}, which would drill ${snapshotId}.`,
    });
  }
  const [silent] = nodes;
  if (silent !== undefined) {
    throw new LockstepError('UNREACHABLE', {
      node: silent.node,
      message: `${silent.node}, which would drill ${snapshotId}, does not answer.`,
    });
  }
}
