import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';

/** How an operation of the simulator can end. `unended`: nobody ended it within its bounds. */
export const OUTCOMES = ['restored', 'rolled-back', 'refused', 'needs-operator', 'unended'] as const;
export type SimOutcome = (typeof OUTCOMES)[number];

export function outcomeOf(outcome: Outcome | undefined): SimOutcome {
  switch (outcome) {
    case Outcome.OUTCOME_RESTORED:
      return 'restored';
    case Outcome.OUTCOME_ROLLED_BACK:
      return 'rolled-back';
    case Outcome.OUTCOME_REFUSED:
      return 'refused';
    case Outcome.OUTCOME_NEEDS_OPERATOR:
      return 'needs-operator';
    default:
      return 'unended';
  }
}
