import { asLockstepError, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  AgentServiceServer,
  DeleteSnapshotRequest,
  MarkSnapshotRequest,
  MarkSnapshotResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { pinsOn } from '@lockstep/shared/marks.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import type { AgentServiceDependencies } from './dependencies.ts';

/** What a deletion is held against, and done with. */
export interface DeletionDependencies {
  readonly config: Pick<AgentServiceDependencies['config'], 'node'>;
  readonly ledger: Pick<AgentServiceDependencies['ledger'], 'openOperation' | 'recordAudit'>;
  readonly executor: Pick<AgentServiceDependencies['executor'], 'besideSteps'>;
  readonly ports: {
    readonly snapshots: Pick<AgentServiceDependencies['ports']['snapshots'], 'marks' | 'remove'>;
  };
}

export function keepingCalls(
  dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'deleteSnapshot' | 'markSnapshot'> {
  return {
    deleteSnapshot: unaryHandler(async (request, { caller }) => {
      await deleteSnapshot(dependencies, request, identityUri(caller));
      return {};
    }),
    markSnapshot: unaryHandler((request) => markSnapshot(dependencies, request)),
  };
}

/**
 * Held against this node's own ledger and marks, whatever the coordinator found: nothing can be
 * promised or staged in between. Throws SNAPSHOT_IN_USE, SNAPSHOT_PINNED, EFFECT_IN_FLIGHT.
 */
export async function deleteSnapshot(
  { config: { node }, ledger, executor, ports: { snapshots } }: DeletionDependencies,
  request: DeleteSnapshotRequest,
  caller: string,
): Promise<void> {
  const { snapshotId, requestedBy, approvedBy } = request;
  let outcome = 'done';
  try {
    await executor.besideSteps(async () => {
      const open = ledger.openOperation();
      if (open !== undefined && RestorePlan.decode(open.plan).snapshot?.id === snapshotId) {
        throw new LockstepError('SNAPSHOT_IN_USE', {
          node,
          message: `Operation ${open.operationId}, which is open on ${node}, restores ${snapshotId}.`,
        });
      }
      const [pin] = pinsOn(await snapshots.marks(snapshotId));
      const approved = approvedBy !== '' && approvedBy !== requestedBy;
      if (pin !== undefined && !approved) {
        throw new LockstepError(pin.evidence ? 'SNAPSHOT_EVIDENCE' : 'SNAPSHOT_PINNED', {
          node,
          message: `${snapshotId} is pinned on ${node} by ${pin.by}: ${pin.reason}`,
        });
      }
      await snapshots.remove(snapshotId);
    });
  } catch (error) {
    outcome = asLockstepError(error).code;
    throw error;
  } finally {
    ledger.recordAudit({
      command: auditedCommand(request),
      operationId: '',
      caller,
      epoch: undefined,
      outcome,
    });
  }
}

/** The audit is where a deletion outlives what it deleted. */
function auditedCommand({ snapshotId, requestedBy, approvedBy, reason }: DeleteSnapshotRequest): string {
  const approval = approvedBy === '' ? '' : `, approved by ${approvedBy}`;
  return `DeleteSnapshot ${snapshotId} for ${requestedBy}${approval}: ${reason}`;
}

async function markSnapshot(
  { config: { node }, ports: { snapshots } }: AgentServiceDependencies,
  { marks }: MarkSnapshotRequest,
): Promise<MarkSnapshotResponse> {
  if (marks === undefined) {
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { node, message: 'No marks were given.' });
  }
  return { marks: await snapshots.mark(marks) };
}
