import type { Clock } from '@lockstep/shared/clock.ts';
import { asLockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { ObserveMemberResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { LocalMember } from '../ports.ts';

/** A member that has not answered by then is not serving. */
const OBSERVE_TIMEOUT_MS = 3_000;

/** The member as it answers now; one that does not is an answer too, never an error. */
export async function observeMember(
  member: LocalMember,
  node: string,
  hashRevision: bigint,
  clock: Clock,
  signal: AbortSignal,
): Promise<ObserveMemberResponse> {
  const limited = clock.deadline(OBSERVE_TIMEOUT_MS, signal);
  try {
    const [observed, hashed] = await Promise.all([
      member.observe(limited),
      hashRevision > 0n ? member.hashKv(hashRevision, limited) : undefined,
    ]);
    return {
      serving: true,
      memberId: observed.memberId,
      clusterId: observed.clusterId,
      revision: observed.revision,
      compactRevision: hashed?.compactRevision ?? 0n,
      hash: hashed?.hash ?? 0,
      leader: observed.leader,
      alarms: [...observed.alarms],
      members: [...observed.members],
      version: observed.version,
      failure: undefined,
    };
  } catch (error) {
    signal.throwIfAborted();
    return ObserveMemberResponse.fromPartial({
      serving: false,
      failure: toFailure(asLockstepError(error), node),
    });
  }
}
