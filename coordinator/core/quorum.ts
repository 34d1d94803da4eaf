import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { hasMember } from '@lockstep/shared/plan/part.ts';

export function majorityOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/** OLD's voting members, those among them that the plan leaves out. */
export function oldVoters(plan: RestorePlan): number {
  const listed = plan.baseline?.members.filter(({ learner }) => !learner).length ?? 0;
  const named =
    plan.nodes.filter(hasMember).length + plan.leftOut.filter(({ memberId }) => memberId !== '').length;
  return Math.max(listed, named);
}

/** The majority of OLD's voting members. */
export function oldQuorum(plan: RestorePlan): number {
  return majorityOf(oldVoters(plan));
}

/**
 * Whether undo may go on after the fence although these nodes do not answer: only where the others can form OLD's quorum, so that OLD serves again and
 * the absent, a minority, cannot serve NEW; or where OLD did not serve at the plan, so that
 * nothing that worked is put at risk. Who was left out is counted among OLD's members and on
 * nobody's side: it may be there or not. A node without a member has no vote and nothing of NEW
 * on its disks: present or absent it changes nothing.
 */
export function mayUndoWithout(plan: RestorePlan, away: ReadonlySet<string>): boolean {
  if (plan.baseline?.serving === false) return true;
  const present = plan.nodes.filter((each) => hasMember(each) && !away.has(each.node));
  return present.length >= oldQuorum(plan);
}
