import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { expect, it } from 'vitest';
import {
  CLOSE_POSITION,
  COMMIT_POSITION,
  FENCE_POSITION,
  FORWARD_STEPS,
  PREPARE_GATE_POSITION,
  positionOfStep,
  UNDO_STEPS,
} from './phases.ts';

/** docs/architecture.md, "The phases and their steps": each step, who takes it and how. */
it('a restore takes its steps in the order of the design', () => {
  const steps = FORWARD_STEPS.map(({ phase, ask, nodes, order }) => [
    phase,
    ask.kind === 'execute' ? ask.step : ask.kind,
    `${nodes} ${order}`,
  ]);
  expect(steps).toEqual([
    [Phase.PHASE_PROMISE, 'promise', 'all side-by-side'],
    [Phase.PHASE_STAGE, Step.STEP_STAGE, 'all side-by-side'],
    [Phase.PHASE_BUILD, Step.STEP_BUILD, 'all followers-first'],
    [Phase.PHASE_SAFEGUARD, Step.STEP_SAFEGUARD, 'all side-by-side'],
    [Phase.PHASE_REINSPECT, Step.STEP_REINSPECT, 'all side-by-side'],
    [Phase.PHASE_FENCE, Step.STEP_FENCE_API, 'all side-by-side'],
    [Phase.PHASE_FENCE, Step.STEP_FENCE_ETCD, 'all side-by-side'],
    [Phase.PHASE_SWAP, Step.STEP_SWAP, 'all side-by-side'],
    [Phase.PHASE_START_ETCD, Step.STEP_START_KUBELET, 'all side-by-side'],
    [Phase.PHASE_START_ETCD, Step.STEP_START_ETCD, 'all in-turn-if-planned'],
    [Phase.PHASE_START_ETCD, Step.STEP_PREPARE_GATE, 'first side-by-side'],
    [Phase.PHASE_START_ETCD, 'gate', 'all side-by-side'],
    [Phase.PHASE_COMMIT, 'commit', 'all side-by-side'],
    [Phase.PHASE_START_API, Step.STEP_START_API, 'all side-by-side'],
    [Phase.PHASE_START_CONTROLLERS, Step.STEP_START_CONTROLLERS, 'all side-by-side'],
    [Phase.PHASE_REPORT, Step.STEP_CLOSE, 'all side-by-side'],
  ]);
});

it('undo stops everything before it starts anything, and verifies last', () => {
  expect(UNDO_STEPS.map(({ step }) => step)).toEqual([
    Step.STEP_UNDO_STOP,
    Step.STEP_UNDO_START,
    Step.STEP_UNDO_VERIFY,
  ]);
});

it('the places that decisions rest on are where their steps are', () => {
  const at = [FENCE_POSITION, PREPARE_GATE_POSITION, COMMIT_POSITION, CLOSE_POSITION];
  expect(at).toEqual([
    positionOfStep(Step.STEP_FENCE_API),
    positionOfStep(Step.STEP_PREPARE_GATE),
    FORWARD_STEPS.findIndex(({ ask }) => ask.kind === 'commit'),
    FORWARD_STEPS.length - 1,
  ]);
  expect(positionOfStep(Step.STEP_UNDO_STOP)).toBe(-1);
});
