import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { describe, expect, it } from 'vitest';
import type { RunnableStep } from '../core/operation.ts';
import { converge } from './converge.ts';
import type { NodeContext } from './step.ts';
import { Bench } from './testing/bench.ts';

const signal = new AbortController().signal;

/** A node of API servers alone: kubelet is held, and nothing lies in its directory. */
function withoutMember(...intended: RunnableStep[]): { bench: Bench; context: NodeContext } {
  const bench = new Bench();
  for (const step of intended) bench.did(step);
  const { context } = bench;
  return { bench, context: { ...context, nodePlan: { ...context.nodePlan, etcd: undefined } } };
}

const asksForProof = ({ calls }: Bench): boolean =>
  calls.some((call) => call.startsWith('hosting.proveStopped'));

describe('the stop on a node without a member', () => {
  it('is proven once it was fenced: it may have read NEW since', async () => {
    const { bench, context } = withoutMember(Step.STEP_FENCE_API);
    expect(await converge(context, 'old-in-place', signal)).toEqual([]);
    expect(asksForProof(bench)).toBe(true);
    expect(bench.calls.filter((call) => call.startsWith('stores.'))).toEqual([]);
  });

  it.each<[string, RunnableStep[]]>([
    ['before the fence', [Step.STEP_SAFEGUARD]],
    ['once OLD is on its way back', [Step.STEP_FENCE_API, Step.STEP_UNDO_STOP, Step.STEP_UNDO_START]],
    ['where OLD returns from before the fence', [Step.STEP_UNDO_STOP, Step.STEP_UNDO_START]],
  ])('is nobody’s care %s', async (_when, intended) => {
    const { bench, context } = withoutMember(...intended);
    expect(await converge(context, 'old-in-place', signal)).toEqual([]);
    expect(asksForProof(bench)).toBe(false);
  });
});
