import { phaseName } from '@lockstep/coordinator/core/phases.ts';
import type { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';

/** After a restore went on without a node and it has come back: no phase of the restore, and last. */
export const SET_ASIDE = 100;

/** Where an operation stands while something happens. */
export type SimPhase = Phase | typeof SET_ASIDE;

export function simPhaseName(phase: SimPhase): string {
  return phase === SET_ASIDE ? 'set-aside' : phaseName(phase);
}
