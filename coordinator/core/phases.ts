import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { STEP_TIMEOUT_MS } from './limits.ts';

/**
 * How the nodes take a step. `in-turn-if-planned`: one after another where the plan says that
 * members check their peers at start (InitialCorruptCheck), else side by side.
 */
export type StepOrder = 'side-by-side' | 'followers-first' | 'in-turn-if-planned';

export interface ForwardStep {
  readonly phase: Phase;
  /** What is asked of each node: a step of the agent's, or one of the calls that are not steps. */
  readonly ask:
    | { readonly kind: 'promise' }
    | { readonly kind: 'execute'; readonly step: Step }
    | { readonly kind: 'gate' }
    | { readonly kind: 'commit' };
  readonly nodes: 'all' | 'first';
  readonly order: StepOrder;
  readonly timeoutMs: number;
}

const execute = (
  phase: Phase,
  step: Step,
  timeoutMs: number,
  order: StepOrder = 'side-by-side',
  nodes: ForwardStep['nodes'] = 'all',
): ForwardStep => ({ phase, ask: { kind: 'execute', step }, nodes, order, timeoutMs });

/** The whole of a restore, in order. A barrier ends each step: no node begins the next before all have done this one. */
export const FORWARD_STEPS: readonly ForwardStep[] = [
  {
    phase: Phase.PHASE_PROMISE,
    ask: { kind: 'promise' },
    nodes: 'all',
    order: 'side-by-side',
    timeoutMs: STEP_TIMEOUT_MS.promise,
  },
  execute(Phase.PHASE_STAGE, Step.STEP_STAGE, STEP_TIMEOUT_MS.stage),
  execute(Phase.PHASE_BUILD, Step.STEP_BUILD, STEP_TIMEOUT_MS.build, 'followers-first'),
  execute(Phase.PHASE_SAFEGUARD, Step.STEP_SAFEGUARD, STEP_TIMEOUT_MS.safeguard),
  execute(Phase.PHASE_REINSPECT, Step.STEP_REINSPECT, STEP_TIMEOUT_MS.reinspect),
  execute(Phase.PHASE_FENCE, Step.STEP_FENCE_API, STEP_TIMEOUT_MS.fenceApi),
  execute(Phase.PHASE_FENCE, Step.STEP_FENCE_ETCD, STEP_TIMEOUT_MS.fenceEtcd),
  execute(Phase.PHASE_SWAP, Step.STEP_SWAP, STEP_TIMEOUT_MS.swap),
  execute(Phase.PHASE_START_ETCD, Step.STEP_START_KUBELET, STEP_TIMEOUT_MS.startKubelet),
  execute(Phase.PHASE_START_ETCD, Step.STEP_START_ETCD, STEP_TIMEOUT_MS.startEtcd, 'in-turn-if-planned'),
  execute(
    Phase.PHASE_START_ETCD,
    Step.STEP_PREPARE_GATE,
    STEP_TIMEOUT_MS.prepareGate,
    'side-by-side',
    'first',
  ),
  {
    phase: Phase.PHASE_START_ETCD,
    ask: { kind: 'gate' },
    nodes: 'all',
    order: 'side-by-side',
    timeoutMs: STEP_TIMEOUT_MS.gate,
  },
  {
    phase: Phase.PHASE_COMMIT,
    ask: { kind: 'commit' },
    nodes: 'all',
    order: 'side-by-side',
    timeoutMs: STEP_TIMEOUT_MS.commit,
  },
  execute(Phase.PHASE_START_API, Step.STEP_START_API, STEP_TIMEOUT_MS.startApi),
  execute(Phase.PHASE_START_CONTROLLERS, Step.STEP_START_CONTROLLERS, STEP_TIMEOUT_MS.startControllers),
  execute(Phase.PHASE_REPORT, Step.STEP_CLOSE, STEP_TIMEOUT_MS.close),
];

/** The first step of downtime: before it OLD serves untouched. */
export const FENCE_POSITION = positionOf(Phase.PHASE_FENCE);
/** The point of no return. Once one agent may have recorded it, undo is only possible by proof that none has. */
export const COMMIT_POSITION = positionOf(Phase.PHASE_COMMIT);
export const CLOSE_POSITION = positionOf(Phase.PHASE_REPORT);
export const PREPARE_GATE_POSITION = positionOfStep(Step.STEP_PREPARE_GATE);

/** Undo, a barrier after each: no OLD member starts before all of NEW that can be reached is proven stopped. */
export const UNDO_STEPS = [
  { step: Step.STEP_UNDO_STOP, timeoutMs: STEP_TIMEOUT_MS.undoStop },
  { step: Step.STEP_UNDO_START, timeoutMs: STEP_TIMEOUT_MS.undoStart },
  { step: Step.STEP_UNDO_VERIFY, timeoutMs: STEP_TIMEOUT_MS.undoVerify },
] as const satisfies readonly { step: Step; timeoutMs: number }[];

export function forwardStep(position: number): ForwardStep {
  const step = FORWARD_STEPS[position];
  if (step === undefined) throw new Error(`no step at position ${position}`);
  return step;
}

/** The position of a step that agents execute, or -1 for a step of undo. */
export function positionOfStep(step: Step): number {
  return FORWARD_STEPS.findIndex((each) => each.ask.kind === 'execute' && each.ask.step === step);
}

function positionOf(phase: Phase): number {
  return FORWARD_STEPS.findIndex((each) => each.phase === phase);
}

/** Words for a person, present participle. */
export const STEP_WORDS: Record<Step, string> = {
  [Step.STEP_UNSPECIFIED]: 'waiting',
  [Step.STEP_STAGE]: 'pulling the snapshot',
  [Step.STEP_BUILD]: 'building the new store',
  [Step.STEP_SAFEGUARD]: 'safeguarding the old store',
  [Step.STEP_REINSPECT]: 'inspecting again',
  [Step.STEP_FENCE_API]: 'stopping the API server',
  [Step.STEP_FENCE_ETCD]: 'stopping etcd',
  [Step.STEP_SWAP]: 'exchanging the stores',
  [Step.STEP_START_KUBELET]: 'starting kubelet',
  [Step.STEP_START_ETCD]: 'starting etcd',
  [Step.STEP_PREPARE_GATE]: 'preparing the gate',
  [Step.STEP_START_API]: 'starting the API server',
  [Step.STEP_START_CONTROLLERS]: 'starting the controllers',
  [Step.STEP_CLOSE]: 'closing',
  [Step.STEP_UNDO_STOP]: 'stopping what is new',
  [Step.STEP_UNDO_START]: 'starting what was',
  [Step.STEP_UNDO_VERIFY]: 'verifying what was',
  [Step.STEP_SET_ASIDE]: 'setting aside',
  [Step.STEP_REJOIN_ADMIT]: 'admitting the learner',
  [Step.STEP_REJOIN_EMPTY]: 'making an empty store',
  [Step.STEP_REJOIN_START]: 'starting etcd to join',
  [Step.STEP_REJOIN_PROMOTE]: 'waiting until it may vote',
  [Step.STEP_REJOIN_SERVE]: 'starting the API server',
  [Step.STEP_REJOIN_BACK]: 'setting aside again',
};

export function wordsOf(step: ForwardStep): string {
  switch (step.ask.kind) {
    case 'promise':
      return 'promising';
    case 'gate':
      return 'proving the members';
    case 'commit':
      return 'committing';
    case 'execute':
      return STEP_WORDS[step.ask.step];
    default:
      return step.ask satisfies never;
  }
}

/** "start-etcd": as a person types and reads it. Not empty for a phase that only a newer version knows. */
export function phaseName(phase: Phase): string {
  return PHASE_NAMES[phase] ?? `phase ${phase}`;
}

const PHASE_NAMES: Record<Phase, string> = {
  [Phase.PHASE_UNSPECIFIED]: '',
  [Phase.PHASE_INSPECT]: 'inspect',
  [Phase.PHASE_PROMISE]: 'promise',
  [Phase.PHASE_STAGE]: 'stage',
  [Phase.PHASE_BUILD]: 'build',
  [Phase.PHASE_SAFEGUARD]: 'safeguard',
  [Phase.PHASE_REINSPECT]: 're-inspect',
  [Phase.PHASE_FENCE]: 'fence',
  [Phase.PHASE_SWAP]: 'swap',
  [Phase.PHASE_START_ETCD]: 'start-etcd',
  [Phase.PHASE_COMMIT]: 'commit',
  [Phase.PHASE_START_API]: 'start-api',
  [Phase.PHASE_START_CONTROLLERS]: 'start-controllers',
  [Phase.PHASE_REPORT]: 'report',
  [Phase.PHASE_UNDO]: 'undo',
};
