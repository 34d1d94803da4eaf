import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { FAULT_KINDS, type Fault, type FaultKind, type FaultScript } from './faults.ts';
import type { Shape } from './plan.ts';
import type { Random } from './random.ts';

/** Every phase that faults are placed in, and about how many events it lasts. */
const PHASES: readonly (readonly [Phase, number])[] = [
  [Phase.PHASE_PROMISE, 20],
  [Phase.PHASE_STAGE, 30],
  [Phase.PHASE_BUILD, 50],
  [Phase.PHASE_SAFEGUARD, 60],
  [Phase.PHASE_REINSPECT, 10],
  [Phase.PHASE_FENCE, 100],
  [Phase.PHASE_SWAP, 45],
  [Phase.PHASE_START_ETCD, 120],
  [Phase.PHASE_COMMIT, 8],
  [Phase.PHASE_START_API, 60],
  [Phase.PHASE_START_CONTROLLERS, 30],
  [Phase.PHASE_REPORT, 8],
  [Phase.PHASE_UNDO, 80],
];

const UNDOABLE = PHASES.filter(([phase]) => phase < Phase.PHASE_COMMIT);
const MOST_FAULTS = 4;
/** How many of the operations somebody aborts, so that undo is met as often as it must be. */
const ABORTED = 0.3;

export function shapeOf(random: Random): Shape {
  return {
    nodes: random.chance(0.05) ? 5 : 3,
    inTurn: random.chance(0.3),
    serving: !random.chance(0.12),
    maxOutageMs: random.chance(0.15) ? random.pick([5_000, 20_000, 60_000]) : 0,
    alarm: random.chance(0.1),
  };
}

export function coordinatorsOf(random: Random): number {
  return random.pick([1, 1, 1, 2, 2, 3]);
}

export function scriptOf(random: Random): FaultScript {
  const script = Array.from({ length: random.below(MOST_FAULTS + 1) }, () =>
    faultIn(random, random.pick(FAULT_KINDS), random.pick(PHASES)),
  );
  if (random.chance(ABORTED)) script.push(faultIn(random, 'operator-abort', random.pick(UNDOABLE)));
  return script;
}

function faultIn(random: Random, kind: FaultKind, [phase, length]: (typeof PHASES)[number]): Fault {
  return {
    kind,
    phase,
    after: random.below(length),
    target: random.below(15),
    draw: random.below(1_000_000_000),
  };
}
