import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Component } from '../ports.ts';
import type { NodeContext } from './step.ts';

/** A process that was killed gives back its memory, files and listeners in its own time. */
const PATIENCE_MS = 5_000;
const POLL_MS = 20;

/**
 * The proof of a stop, tried again while what was just stopped is still going. Throws STOP_UNPROVEN
 * with the last signal that disagrees; whatever else fails is not tried again.
 */
export async function proveStoppedSoon(
  { ports: { hosting, clock }, nodePlan, operationId }: NodeContext,
  components: readonly Component[],
  signal: AbortSignal,
): Promise<void> {
  const until = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    try {
      return await hosting.proveStopped(nodePlan, operationId, components, signal);
    } catch (error) {
      const mayPass = error instanceof LockstepError && error.code === 'STOP_UNPROVEN';
      if (!mayPass || clock.monotonicMs() > until || signal.aborted) throw error;
    }
    await clock.delay(POLL_MS, signal);
  }
}
