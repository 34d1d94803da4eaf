import { agentErrors } from './agent.ts';
import { drillErrors } from './drill.ts';
import type { ErrorEntry } from './entry.ts';
import { evidenceErrors } from './evidence.ts';
import { inspectErrors } from './inspect.ts';
import { operationErrors } from './operation.ts';
import { planErrors } from './plan.ts';
import { snapshotErrors } from './snapshot.ts';
import { storeErrors } from './store.ts';
import { transportErrors } from './transport.ts';

/** Every code that Lockstep can say, in one table. A code, once released, keeps its meaning. */
export const catalogue = {
  ...snapshotErrors,
  ...planErrors,
  ...agentErrors,
  ...operationErrors,
  ...storeErrors,
  ...drillErrors,
  ...evidenceErrors,
  ...inspectErrors,
  ...transportErrors,
} satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalogue;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(catalogue, text);
}
