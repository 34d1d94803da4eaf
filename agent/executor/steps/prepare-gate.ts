import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { z } from 'zod';
import type { MemberObservation } from '../../ports.ts';
import { completionOf, type NodeContext, type StepHandler } from '../step.ts';

const POLL_MS = 15;
const schema = z.object({ canaryRevision: z.coerce.bigint() });

/** The first write to NEW: it shows that a quorum commits, and gives the revision that the gate pins. */
export const prepareGate: StepHandler = {
  async perform(context, _intent, signal) {
    const { operationId, plan, effects, ports, progress } = context;
    const earlier = schema.safeParse(completionOf(effects, Step.STEP_PREPARE_GATE));
    if (earlier.success) return { result: earlier.data, detail: earlier.data };
    progress('waiting for a leader');
    await untilServing(context, signal);
    if (plan.alarmsToDisarm.length > 0) {
      progress('disarming alarms');
      await ports.member.disarmAlarms(plan.alarmsToDisarm, signal);
    }
    if (plan.cures.length > 0) {
      progress('putting this place in');
      await ports.member.putCures(plan.cures, signal);
    }
    progress('writing the canary');
    const canaryRevision = await ports.member.writeCanary(operationId, signal);
    return { result: { canaryRevision }, detail: { canaryRevision } };
  },
};

/** Until the member answers clients; at the signal, with what it said last. */
export async function untilServing(
  { ports }: NodeContext,
  signal: AbortSignal,
  accept: (observed: MemberObservation) => boolean = () => true,
): Promise<MemberObservation> {
  let last: unknown;
  for (;;) {
    if (signal.aborted) throw last ?? signal.reason;
    try {
      const observed = await ports.member.observe(signal);
      if (accept(observed)) return observed;
    } catch (error) {
      if (!signal.aborted) last = error;
    }
    await ports.clock.delay(POLL_MS, signal).catch(() => undefined);
  }
}
