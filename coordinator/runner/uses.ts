import type { Clock } from '@lockstep/shared/clock.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { isUnended } from '../core/recovery.ts';
import { askAll } from './inventory.ts';
import type { Agents, UnexpiredPlans } from './ports.ts';

const LEDGER_TIMEOUT_MS = 10_000;

/** Which snapshots must stay because something is, or may be, restored from them. */
export interface Uses {
  /** Words by snapshot: "in use by operation r-…", "named by plan r-…, which may still be run". */
  readonly bySnapshot: ReadonlyMap<string, readonly string[]>;
  /** Operations that an agent which answered has open, whatever they restore. */
  readonly open: readonly string[];
}

/**
 * Of the agents that answer. One that does not may have an operation open: it refuses by itself
 * to delete what that restores, and so does every other agent of the same operation.
 */
export async function findUses(
  {
    agents,
    plans,
    clock,
  }: { readonly agents: Agents; readonly plans: UnexpiredPlans; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Uses> {
  const [answers, stored] = await Promise.all([
    askAll(agents, (client) => client.readLedger('', clock.deadline(LEDGER_TIMEOUT_MS, signal))),
    plans.unexpired(),
  ]);
  signal.throwIfAborted();
  const open = answers.flatMap(({ result }) => (result !== undefined && isUnended(result) ? [result] : []));
  const uses = new Map<string, Set<string>>();
  const use = (plan: Uint8Array, words: string): void => {
    const id = RestorePlan.decode(plan).snapshot?.id;
    if (id !== undefined) uses.set(id, (uses.get(id) ?? new Set()).add(words));
  };
  for (const { plan, operationId } of open) use(plan, `in use by operation ${operationId}`);
  for (const { planBytes, operationId, refusals } of stored) {
    // One that was refused can never be run.
    if (refusals.length === 0) use(planBytes, `named by plan ${operationId}, which may still be run`);
  }
  return {
    bySnapshot: new Map([...uses].map(([id, words]) => [id, [...words]])),
    open: [...new Set(open.map(({ operationId }) => operationId))],
  };
}
