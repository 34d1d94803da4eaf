import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';

/** The majority of OLD's voting members. */
export function oldQuorum(plan: RestorePlan): number {
  return Math.floor(plan.nodes.length / 2) + 1;
}

/**
 * Whether undo may go on although these nodes do not answer. Before the fence OLD was never
 * touched. After it, only where the others can form OLD's quorum, so that OLD serves again and
 * the absent, a minority, cannot serve NEW; or where OLD did not serve at the plan, so that
 * nothing that worked is put at risk.
 */
export function mayUndoWithout(plan: RestorePlan, away: ReadonlySet<string>, fenced: boolean): boolean {
  if (!fenced) return true;
  if (plan.baseline?.serving === false) return true;
  return plan.nodes.length - away.size >= oldQuorum(plan);
}
