import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { CheckInput } from '../plan-input.ts';

/** One subject, judged. Pure; says nothing where it has nothing to object to. */
export type Check = (input: CheckInput) => readonly Refusal[];
