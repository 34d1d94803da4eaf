import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { Revocation } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Answer } from '../answer.ts';
import { WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { revokedPage, trustList } from '../render/trust.ts';

export interface RevokeOptions {
  /** RFC 3339; now where left out. */
  readonly since?: string;
  readonly reason: string;
}

/** Withdraws trust from what a node, or "coordinator/ID", has sealed since a moment. */
export async function revokeTrust(
  invocation: Invocation,
  signer: string,
  { since = '', reason }: RevokeOptions,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { revocations, withdrawnSnapshotIds, failures } = await coordinator.call(
      OperatorServiceService.revokeTrust,
      { node: signer, since, reason },
      WAIT_MS.nodes,
    );
    return {
      data: { revocations: revocations.map(withoutSeal), withdrawnSnapshotIds, failures },
      names: withdrawnSnapshotIds,
      render: (layout) => revokedPage(layout, signer, withdrawnSnapshotIds, failures),
      // Whoever did not hear of it hears it from the next coordinator that asks.
      ...(failures.length === 0 ? {} : { exit: EXIT.findings, code: failures[0]?.code ?? '' }),
    };
  });
}

export async function listTrust(invocation: Invocation): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { revocations, failures } = await coordinator.call(
      OperatorServiceService.listTrust,
      {},
      WAIT_MS.nodes,
    );
    return {
      data: { revocations: revocations.map(withoutSeal), failures },
      names: revocations.map(({ signer }) => signer),
      render: (layout) => trustList(layout, revocations, failures),
    };
  });
}

/** The seal is for programs. */
function withoutSeal(revocation: Revocation): unknown {
  return Revocation.toJSON({ ...revocation, seal: undefined });
}
