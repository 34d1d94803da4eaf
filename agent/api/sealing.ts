import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  AgentServiceServer,
  SealSnapshotRequest,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { judgeSeals } from '@lockstep/shared/seal/judge.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import type { AgentServiceDependencies } from './dependencies.ts';

export function sealingCalls(
  dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'sealSnapshot' | 'setRevocations' | 'getRevocations'> {
  const { ledger, ports } = dependencies;
  const audited = async <T>(command: string, caller: string, act: () => Promise<T>): Promise<T> => {
    let outcome = 'failed';
    try {
      const result = await act();
      outcome = 'done';
      return result;
    } finally {
      ledger.recordAudit({ command, operationId: '', caller, epoch: undefined, outcome });
    }
  };
  return {
    sealSnapshot: unaryHandler((request, { caller }) =>
      audited('SealSnapshot', identityUri(caller), async () => ({
        snapshot: await sealSnapshot(dependencies, request),
      })),
    ),
    setRevocations: unaryHandler(({ revocations }, { caller }) =>
      audited('SetRevocations', identityUri(caller), async () => ({
        revocations: await ports.sealing.addRevocations(revocations),
      })),
    ),
    getRevocations: unaryHandler(async () => ({ revocations: await ports.sealing.revocations() })),
  };
}

/** Takes no seal that does not make the card trusted, and puts none in another's place. */
async function sealSnapshot(
  { config: { node }, ports: { snapshots, sealing } }: AgentServiceDependencies,
  { snapshotId, seal }: SealSnapshotRequest,
): Promise<StoredSnapshot> {
  const { card, sealed } = await snapshots.get(snapshotId);
  const refused = (why: string): LockstepError =>
    new LockstepError('SEAL_REFUSED', { node, message: `${snapshotId} on ${node}: ${why}.` });
  if (seal === undefined) throw refused('no seal was given');
  const own = sealed?.seals[0];
  if (sealed === undefined || own === undefined) throw refused(`${node} has not sealed it itself`);
  if (sealed.seals.length > 1) throw refused('it is sealed already');
  const whole = { cardJson: sealed.cardJson, seals: [own, seal] };
  const [objection] = judgeSeals(whole, await sealing.trust());
  if (objection !== undefined) throw refused(`${objection.code}: ${objection.message}`);
  return snapshots.rewriteCard({ card, sealed: whole });
}
