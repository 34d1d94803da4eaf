import { type ErrorCode, isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { saysTheSame } from '@lockstep/shared/seal/card.ts';
import type { JudgeSeals } from '../ports.ts';

/**
 * A coordinator judges the seals when it plans; each node does once more, by the CA and the
 * revocations that it holds itself. What the plan overrides, and has a second person answer for,
 * is let through; a plan of another card than the sealed one never is. Throws the first objection.
 */
export async function requireTrustedCard(
  node: string,
  { sealedSnapshot, overrides, approvalNeeds }: RestorePlan,
  snapshot: SnapshotCard,
  judge: JudgeSeals,
): Promise<void> {
  if (sealedSnapshot !== undefined && !saysTheSame(snapshot, sealedSnapshot)) {
    throw new LockstepError('SNAPSHOT_CARD_MISMATCH', {
      node,
      message: `The card of ${snapshot.id} in the plan is not the one that was sealed.`,
    });
  }
  const answeredFor = (code: string): boolean =>
    overrides.some((each) => each.code === code) && approvalNeeds.some((each) => each.code === code);
  const objection = (await judge(sealedSnapshot)).find(({ code }) => !answeredFor(code));
  if (objection === undefined) return;
  const code: ErrorCode = isErrorCode(objection.code) ? objection.code : 'CARD_SEAL_INVALID';
  throw new LockstepError(code, { node, message: objection.message });
}
