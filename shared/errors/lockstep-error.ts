import { inspect } from 'node:util';
import type { Failure, Refusal } from '../generated/lockstep/v1/common.ts';
import { RefusalClass } from '../generated/lockstep/v1/common.ts';
import { catalogue, type ErrorCode, isErrorCode } from './catalogue.ts';

export interface ErrorContext {
  /** What is true now, with the figures. The table's meaning where left out. */
  readonly message?: string;
  readonly node?: string;
  readonly cause?: unknown;
}

/** The one error class. `code` says what happened; the table says what it means and what to do. */
export class LockstepError extends Error {
  readonly code: ErrorCode;
  readonly node: string;

  constructor(code: ErrorCode, context: ErrorContext = {}) {
    super(context.message ?? catalogue[code].meaning, { cause: context.cause });
    this.name = 'LockstepError';
    this.code = code;
    this.node = context.node ?? '';
  }

  get cure(): string {
    return catalogue[this.code].cure;
  }
}

/** Anything thrown, as an error with a code: what is not ours is INTERNAL. */
export function asLockstepError(thrown: unknown): LockstepError {
  if (thrown instanceof LockstepError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new LockstepError('INTERNAL', { message, cause: thrown });
}

/** At most this many causes travel with a failure. */
const MAX_CAUSES = 8;

export function toFailure(thrown: unknown, node = ''): Failure {
  const error = asLockstepError(thrown);
  const causes: string[] = [];
  for (
    let cause: unknown = error.cause;
    cause !== undefined && causes.length < MAX_CAUSES;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    causes.push(
      cause instanceof LockstepError
        ? `${cause.code}: ${cause.message}`
        : cause instanceof Error
          ? cause.message
          : inspect(cause),
    );
  }
  return { code: error.code, node: error.node || node, message: error.message, cure: error.cure, causes };
}

/** The error that a failure stands for; a code of a newer version becomes INTERNAL and keeps its words. */
export function fromFailure(failure: Failure): LockstepError {
  const cause = failure.causes.reduceRight<Error | undefined>(
    (inner, text) => new Error(text, { cause: inner }),
    undefined,
  );
  const { code, node } = failure;
  return isErrorCode(code)
    ? new LockstepError(code, { message: failure.message, node, cause })
    : new LockstepError('INTERNAL', { message: `${code}: ${failure.message}`, node, cause });
}

const REFUSAL_CLASSES = {
  never: RefusalClass.REFUSAL_CLASS_NEVER,
  fault: RefusalClass.REFUSAL_CLASS_NEVER,
  'with-reason': RefusalClass.REFUSAL_CLASS_WITH_REASON,
  'second-person': RefusalClass.REFUSAL_CLASS_SECOND_PERSON,
} as const;

export function refusal(code: ErrorCode, message: string, node = ''): Refusal {
  const entry = catalogue[code];
  return { code, node, message, cure: entry.cure, class: REFUSAL_CLASSES[entry.class] };
}
