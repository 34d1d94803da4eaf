import { agentErrors } from './agent.ts';
import { operationErrors } from './operation.ts';
import { planErrors } from './plan.ts';
import { snapshotErrors } from './snapshot.ts';
import { transportErrors } from './transport.ts';

/**
 * What it takes to go on in spite of a refusal. `never`: nothing does. `fault`: not a
 * refusal but an error; there is nothing to override.
 */
export type ErrorClass = 'never' | 'with-reason' | 'second-person' | 'fault';

export interface ErrorEntry {
  readonly class: ErrorClass;
  /** What is true, in one sentence without figures. */
  readonly meaning: string;
  /** What to do, in the imperative. */
  readonly cure: string;
}

/** Every code that Lockstep can say, in one table. A code, once released, keeps its meaning. */
export const catalogue = {
  ...snapshotErrors,
  ...planErrors,
  ...agentErrors,
  ...operationErrors,
  ...transportErrors,
} satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalogue;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(catalogue, text);
}
