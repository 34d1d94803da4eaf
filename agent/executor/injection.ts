import { setTimeout as delay } from 'node:timers/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { StepName } from '../core/operation.ts';

/**
 * For tests only: makes a step fail, or pause, between its effect and its completion, where a
 * failure hurts most. Nothing of it is read unless LOCKSTEP_TEST_FAILURES is 1.
 *
 *     LOCKSTEP_FAIL_STEP=STEP_BUILD           fails it on every node
 *     LOCKSTEP_FAIL_STEP=STEP_BUILD:cp2       fails it on cp2
 *     LOCKSTEP_PAUSE_STEP=STEP_SWAP:5000      pauses for 5 s, to be killed in
 *     LOCKSTEP_PAUSE_STEP=STEP_SWAP:5000:cp2  on cp2 alone; several with commas between
 *     LOCKSTEP_CLOCK_OFFSET=15000:cp2         cp2's clock is 15 s fast
 */
export interface Injection {
  afterEffect(step: StepName, signal: AbortSignal): Promise<void>;
}

export const NO_INJECTION: Injection = { afterEffect: async () => {} };

export function injectionFrom(environment: NodeJS.ProcessEnv, node: string): Injection {
  if (environment['LOCKSTEP_TEST_FAILURES'] !== '1') return NO_INJECTION;
  const [failStep, failNode] = (environment['LOCKSTEP_FAIL_STEP'] ?? '').split(':');
  const pauses = (environment['LOCKSTEP_PAUSE_STEP'] ?? '').split(',').map((each) => each.split(':'));
  const concerns = (named: string | undefined): boolean => named === undefined || named === node;
  return {
    async afterEffect(step, signal) {
      for (const [pauseStep, pauseMs, pauseNode] of pauses) {
        if (step === pauseStep && concerns(pauseNode)) await delay(Number(pauseMs), undefined, { signal });
      }
      if (step === failStep && concerns(failNode)) {
        throw new LockstepError('INTERNAL', { node, message: `${step} fails by injection (test only).` });
      }
    },
  };
}

/** The node's clock, put off where a test says so. */
export function clockFrom(environment: NodeJS.ProcessEnv, node: string, now: () => number): () => number {
  if (environment['LOCKSTEP_TEST_FAILURES'] !== '1') return now;
  const [offsetMs, named] = (environment['LOCKSTEP_CLOCK_OFFSET'] ?? '').split(':');
  return named === node ? () => now() + Number(offsetMs) : now;
}
