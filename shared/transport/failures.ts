import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ErrorCode } from '../errors/catalogue.ts';
import { asLockstepError, fromFailure, LockstepError, toFailure } from '../errors/lockstep-error.ts';
import { Failure } from '../generated/lockstep/v1/common.ts';
import { MAX_FAILURE_BYTES } from './limits.ts';

/** Trailing metadata that carries the serialised `Failure`. */
export const FAILURE_KEY = 'lockstep-failure-bin';

const MAX_MESSAGE_CHARACTERS = 2_000;

/** gRPC's status for a code, for tools that know nothing of ours. */
const STATUS: Partial<Record<ErrorCode, status>> = {
  NOT_AUTHENTICATED: status.UNAUTHENTICATED,
  NOT_AUTHORISED: status.PERMISSION_DENIED,
  UNREACHABLE: status.UNAVAILABLE,
  SNAPSHOT_NOT_FOUND: status.NOT_FOUND,
  PLAN_NOT_FOUND: status.NOT_FOUND,
  OPERATION_NOT_FOUND: status.NOT_FOUND,
  INTERNAL: status.INTERNAL,
};

/** What gRPC sends for anything thrown: a status, words, and the whole failure beside them. */
export function toServiceError(
  thrown: unknown,
  node = '',
): { code: status; details: string; metadata: Metadata } {
  const error = asLockstepError(thrown);
  const metadata = new Metadata();
  metadata.set(FAILURE_KEY, encodeFailure(toFailure(error, node)));
  return {
    code: STATUS[error.code] ?? status.FAILED_PRECONDITION,
    details: clip(`${error.code}: ${error.message}`),
    metadata,
  };
}

/** Causes go first, then the tail of the message: code and cure always arrive. */
function encodeFailure(failure: Failure): Buffer {
  const whole = Buffer.from(Failure.encode(failure).finish());
  if (whole.length <= MAX_FAILURE_BYTES) return whole;
  return Buffer.from(
    Failure.encode({
      ...failure,
      message: clip(failure.message),
      causes: failure.causes.slice(0, 1).map(clip),
    }).finish(),
  );
}

function clip(text: string): string {
  return text.length <= MAX_MESSAGE_CHARACTERS ? text : `${text.slice(0, MAX_MESSAGE_CHARACTERS - 1)}…`;
}

/** The error that a failed call stands for. `target` is the address, for the words. */
export function fromServiceError(error: ServiceError, target: string): LockstepError {
  const carried = error.metadata?.get(FAILURE_KEY)[0];
  if (carried instanceof Buffer) {
    try {
      return fromFailure(Failure.decode(carried));
    } catch {
      // Not ours after all: fall through to the status.
    }
  }
  switch (error.code) {
    case status.UNAUTHENTICATED:
      return new LockstepError('NOT_AUTHENTICATED', { message: `${target}: ${error.details}`, cause: error });
    case status.PERMISSION_DENIED:
      return new LockstepError('NOT_AUTHORISED', { message: `${target}: ${error.details}`, cause: error });
    case status.UNAVAILABLE:
      return unavailable(error, target);
    case status.DEADLINE_EXCEEDED:
      return new LockstepError('UNREACHABLE', {
        message: `${target} did not answer within the deadline.`,
        cause: error,
      });
    case status.CANCELLED:
      return new LockstepError('UNREACHABLE', { message: `${target} ended the call.`, cause: error });
    default:
      return new LockstepError('INTERNAL', { message: `${target}: ${error.details}`, cause: error });
  }
}

/**
 * A handshake that fails looks to gRPC like a host that is down; only words remain. TLS alerts
 * are the other side's verdict on us; our verdict on it is worded in shared/tls/credentials.ts.
 */
const THEIR_VERDICT = /alert (?:bad )?certificate|alert unknown ca|alert access denied/i;
const OUR_VERDICT = /NOT_AUTHENTICATED: /;

function unavailable(error: ServiceError, target: string): LockstepError {
  if (THEIR_VERDICT.test(error.details)) {
    return new LockstepError('NOT_AUTHENTICATED', {
      message: `${target} refused this program’s certificate.`,
      cause: error,
    });
  }
  if (OUR_VERDICT.test(error.details)) {
    return new LockstepError('NOT_AUTHENTICATED', {
      message: `${target}: ${lastError(error.details).replace(OUR_VERDICT, '')}`,
      cause: error,
    });
  }
  return new LockstepError('UNREACHABLE', {
    message: `${target} is unreachable: ${lastError(error.details)}`,
    cause: error,
  });
}

/** grpc-js wraps the cause: "No connection established. Last error: Error: connect ECONNREFUSED …. Resolution note: ". */
function lastError(details: string): string {
  const match = /Last error: (?:[A-Za-z]*Error: )?(.*?)(?:\. Resolution note:.*)?$/s.exec(details);
  const words = (match?.[1] ?? details).trim();
  return words.startsWith('Failed to connect (')
    ? 'it closed the connection straight after the handshake, as one does that does not take the certificate.'
    : words;
}
