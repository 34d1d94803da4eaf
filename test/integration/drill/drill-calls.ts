import { fromFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { AgentServiceService } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { serverStream } from '@lockstep/shared/transport/client.ts';
import type { LabAgent } from '../agent/agent-lab.ts';

const DRILL_TIMEOUT_MS = 100_000;

/** A drill on a real agent, to its proof; throws where there is none. */
export async function drillOn(
  agent: LabAgent,
  snapshotId: string,
  onStep: (step: string) => void = () => undefined,
  signal: AbortSignal = AbortSignal.timeout(DRILL_TIMEOUT_MS),
): Promise<Proof> {
  const events = serverStream(agent.client, AgentServiceService.drillSnapshot, { snapshotId }, signal);
  for await (const { event } of events) {
    if (event?.$case === 'progress') onStep(event.value.step);
    if (event?.$case === 'failure') throw fromFailure(event.value);
    if (event?.$case === 'proof') return event.value;
  }
  throw new Error('the stream ended without a proof');
}
