import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { catalogue, isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';

/** A failure in the coordinator's own words. */
export function failureOf(
  code: ErrorCode,
  message: string,
  node = '',
  causes: readonly Failure[] = [],
): Failure {
  return {
    code,
    node,
    message,
    cure: catalogue[code].cure,
    causes: causes.map((each) => `${each.node === '' ? '' : `${each.node}: `}${each.code}: ${each.message}`),
  };
}

/** The agent did not answer, or is busy with what it was asked before: asking again is the cure. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'UNREACHABLE',
  'NODE_UNREACHABLE',
  'EFFECT_IN_FLIGHT',
  'EXECUTOR_BUSY',
] satisfies ErrorCode[]);

export function isTransient(failure: Failure): boolean {
  return TRANSIENT.has(failure.code);
}

/** Whether it acted is not known. */
export function isUnreachable({ code }: Failure): boolean {
  return code === 'UNREACHABLE' || code === 'NODE_UNREACHABLE';
}

/** Another agent was away for a moment, and nothing is down yet: worth some patience. */
export function isWorthRepeating(failure: Failure): boolean {
  return failure.code === 'PULL_FAILED';
}

/** The agent never took this plan: there is nothing of it to undo there. */
const NEVER_TAKEN: ReadonlySet<string> = new Set([
  'PLAN_UNKNOWN',
  'OPERATION_NOT_FOUND',
  'OPERATION_IN_PROGRESS',
  'LEDGER_STRANGER',
] satisfies ErrorCode[]);

export function saysNeverTaken(failure: Failure): boolean {
  return NEVER_TAKEN.has(failure.code);
}

/** A refusal, as opposed to a fault: something was judged, nothing broke. */
export function isRefusal(failure: Failure): boolean {
  return isErrorCode(failure.code) && catalogue[failure.code].class !== 'fault';
}
