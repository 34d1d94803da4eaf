import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { z } from 'zod';
import type { EffectRecord } from '../../ledger/records.ts';
import { completionOf, type StepHandler } from '../step.ts';

const POLL_MS = 250;
const admitted = z.object({ memberId: z.string() });

/** On the sponsor: from now on the learner votes, and this operation goes only forward. */
export const rejoinPromote: StepHandler = {
  ends: 'closed',
  async perform({ node, effects, ports, progress }, _intent, signal) {
    const memberId = admittedMember(effects);
    if (memberId === undefined) {
      throw new LockstepError('STEP_OUT_OF_ORDER', { node, message: 'No learner was admitted here.' });
    }
    progress('waiting until it may vote');
    while (!(await ports.membership.promoteLearner(memberId, signal)))
      await ports.clock.delay(POLL_MS, signal);
    return { detail: { memberId } };
  },
};

/** The learner that ADMIT added; undefined where it did not complete. */
export function admittedMember(effects: readonly EffectRecord[]): string | undefined {
  const parsed = admitted.safeParse(completionOf(effects, Step.STEP_REJOIN_ADMIT));
  return parsed.success ? parsed.data.memberId : undefined;
}
