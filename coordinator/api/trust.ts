import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  OperatorServiceServer,
  RevokeTrustRequest,
  RevokeTrustResponse,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { judgeSeals } from '@lockstep/shared/seal/judge.ts';
import { sealRevocation } from '@lockstep/shared/seal/revocations.ts';
import { identityUri, parseIdentityUri } from '@lockstep/shared/tls/identity.ts';
import { unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import { momentOf } from '../core/moment.ts';
import { listSnapshots } from '../runner/snapshots.ts';
import type { OperatorServiceSettings } from './settings.ts';

export function trustCalls(
  settings: OperatorServiceSettings,
): Pick<OperatorServiceServer, 'revokeTrust' | 'listTrust'> {
  return {
    revokeTrust: unaryHandler((request, { caller, signal }) => {
      const by = identityUri(caller);
      settings.logger.info({ by, call: 'RevokeTrust', ...request }, 'operator call');
      return revoke(settings, request, by, signal);
    }),
    listTrust: unaryHandler((_request, { signal }) => settings.sealing.revocations(signal)),
  };
}

/** Throws USAGE, SIGNING_IDENTITY_MISSING: what no coordinator has sealed no agent would believe. */
async function revoke(
  { sealing, agents, clock, cluster }: OperatorServiceSettings,
  { node, since, reason }: RevokeTrustRequest,
  by: string,
  signal: AbortSignal,
): Promise<RevokeTrustResponse> {
  const nowMs = clock.nowMs();
  const sinceMs = since === '' ? nowMs : momentOf(since);
  if (sinceMs === undefined) {
    throw new LockstepError('USAGE', {
      message: `${JSON.stringify(since)} is no moment; write one as 2026-11-20T08:00:00Z or 2026-11-20T09:00:00+01:00.`,
    });
  }
  if (sinceMs > nowMs) {
    throw new LockstepError('USAGE', { message: `${new Date(sinceMs).toISOString()} is yet to come.` });
  }
  if (reason.trim() === '') throw new LockstepError('USAGE', { message: 'A revocation needs a reason.' });
  const revocation = sealRevocation(
    {
      signer: signerNamed(cluster, node),
      since: new Date(sinceMs).toISOString(),
      reason,
      by,
      at: new Date(nowMs).toISOString(),
    },
    await sealing.means.identity(),
    nowMs,
  );
  const before = await sealing.trust(signal);
  const { revocations, failures } = await sealing.revoke(revocation, signal);
  const { snapshots } = await listSnapshots(agents, signal);
  const withdrawn = snapshots.filter(
    ({ sealed }) =>
      judgeSeals(sealed, before).length === 0 && judgeSeals(sealed, { ...before, revocations }).length > 0,
  );
  return {
    revocations,
    withdrawnSnapshotIds: [...new Set(withdrawn.map(({ card }) => card?.id ?? ''))],
    failures,
  };
}

/** A node's agent; or, as "coordinator/ID", a coordinator. It need not be known any more. */
function signerNamed(cluster: string, name: string): string {
  const role = name.startsWith('coordinator/') ? '' : 'agent/';
  const uri = `lockstep://${cluster}/${role}${name}`;
  if (parseIdentityUri(uri) !== undefined) return uri;
  throw new LockstepError('USAGE', { message: `${JSON.stringify(name)} is no node and no coordinator.` });
}
