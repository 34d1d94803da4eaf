import type { Clock } from '@lockstep/shared/clock.ts';
import { asLockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { ObserveMemberResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Executor } from '../executor/executor.ts';
import type { Component, LocalMember } from '../ports.ts';

/** A member that has not answered by then is not serving. */
const OBSERVE_TIMEOUT_MS = 3_000;

export interface ObserveDependencies {
  readonly node: string;
  readonly member: LocalMember;
  readonly executor: Pick<Executor, 'componentsInPlace' | 'hasMember'>;
  readonly clock: Clock;
}

/**
 * The member as it answers now; one that does not is an answer too, never an error. A node without
 * one says what lies in kubelet's directory, and fails where it cannot.
 */
export async function observeMember(
  { node, member, executor, clock }: ObserveDependencies,
  hashRevision: bigint,
  signal: AbortSignal,
): Promise<ObserveMemberResponse> {
  const limited = clock.deadline(OBSERVE_TIMEOUT_MS, signal);
  try {
    if (!executor.hasMember()) {
      const inPlace = await executor.componentsInPlace(limited);
      return ObserveMemberResponse.fromPartial({ serving: false, componentsInPlace: notEtcd(inPlace) });
    }
    const [observed, hashed, inPlace] = await Promise.all([
      member.observe(limited),
      hashRevision > 0n ? member.hashKv(hashRevision, limited) : undefined,
      executor.componentsInPlace(limited),
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
      componentsInPlace: notEtcd(inPlace),
    };
  } catch (error) {
    signal.throwIfAborted();
    return ObserveMemberResponse.fromPartial({
      serving: false,
      failure: toFailure(asLockstepError(error), node),
    });
  }
}

function notEtcd(components: readonly Component[]): Component[] {
  return components.filter((component) => component !== 'etcd');
}
