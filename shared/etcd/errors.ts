import { status } from '@grpc/grpc-js';

import { LockstepError } from '../errors/lockstep-error.ts';

/** gRPC's statuses after which nobody can say whether the member heard the call. */
const UNREACHABLE: readonly status[] = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED];

interface GrpcError {
  readonly code: status;
  readonly details: string;
}

export function isGrpcError(thrown: unknown): thrown is GrpcError {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    'code' in thrown &&
    typeof thrown.code === 'number' &&
    'details' in thrown
  );
}

/** ETCD_UNREACHABLE where there was no answer, ETCD_REFUSED with etcd's own words where there was. */
export function etcdError(url: string, call: string, thrown: unknown, signal: AbortSignal): LockstepError {
  if (thrown instanceof LockstepError) return thrown;
  const details = isGrpcError(thrown) ? thrown.details : String(thrown);
  if (signal.aborted) {
    return new LockstepError('ETCD_UNREACHABLE', {
      message: `${call} at ${url} was not answered in time.`,
      cause: signal.reason,
    });
  }
  if (!isGrpcError(thrown) || UNREACHABLE.includes(thrown.code)) {
    return new LockstepError('ETCD_UNREACHABLE', {
      message: `${call} at ${url} was not answered: ${details}.`,
      cause: thrown,
    });
  }
  return new LockstepError('ETCD_REFUSED', {
    message: `${call} at ${url} was refused: ${details}.`,
    cause: thrown,
  });
}

/** True where the member is too old to know the call. */
export function isUnimplemented(thrown: unknown): boolean {
  const cause = thrown instanceof LockstepError ? thrown.cause : thrown;
  return isGrpcError(cause) && cause.code === status.UNIMPLEMENTED;
}
