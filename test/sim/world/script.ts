import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { FAULT_KINDS, type Fault, type FaultKind, type FaultScript } from './faults.ts';
import type { Shape } from './plan.ts';
import { Random } from './random.ts';
import { SET_ASIDE, type SimPhase } from './sim-phase.ts';

/** Every phase that faults are placed in, and about how many events it lasts. */
const PHASES: readonly (readonly [SimPhase, number])[] = [
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
const SETTING_ASIDE = [SET_ASIDE, 60] as const;
/** How many of the operations go on without a node. */
const WITHOUT = 0.06;
/** Of these, how many are said to be destroyed: then OLD's quorum may be among them. */
const DESTROYED = 0.4;
/** A stream of their own: what a seed draws besides is what it drew before nodes were left out. */
const WITHOUT_SALT = 1n << 62n;
/** How many of the operations somebody aborts, so that undo is met as often as it must be. */
const ABORTED = 0.3;

/** What the operation of a seed is made from, besides its script. */
export function shapeOf(seed: bigint, random: Random): Shape {
  const shape = {
    nodes: random.chance(0.05) ? 5 : 3,
    inTurn: random.chance(0.3),
    serving: !random.chance(0.12),
    maxOutageMs: random.chance(0.15) ? random.pick([5_000, 20_000, 60_000]) : 0,
    alarm: random.chance(0.1),
  } as const;
  const dice = withoutDice(seed);
  if (!dice.chance(WITHOUT)) return { ...shape, leftOut: 0, destroyed: false };
  const minority = (shape.nodes - 1) / 2;
  if (!dice.chance(DESTROYED)) return { ...shape, leftOut: dice.between(1, minority), destroyed: false };
  const leftOut = dice.between(1, shape.nodes - 1);
  return { ...shape, leftOut, destroyed: true, serving: shape.serving && leftOut <= minority };
}

export function withoutDice(seed: bigint): Random {
  return new Random(seed ^ WITHOUT_SALT);
}

export function coordinatorsOf(random: Random): number {
  return random.pick([1, 1, 1, 2, 2, 3]);
}

export function scriptOf(seed: bigint, { leftOut, nodes }: Shape, random: Random): FaultScript {
  const script = Array.from({ length: random.below(MOST_FAULTS + 1) }, () =>
    faultIn(random, random.pick(FAULT_KINDS), random.pick(PHASES)),
  );
  if (random.chance(ABORTED)) script.push(faultIn(random, 'operator-abort', random.pick(UNDOABLE)));
  if (leftOut === 0) return script;
  const dice = withoutDice(seed + 1n);
  for (let more = dice.below(3); more > 0; more -= 1) {
    // Most of them where it happens: on a node that comes back.
    const fault = faultIn(dice, dice.pick(FAULT_KINDS), SETTING_ASIDE);
    script.push(dice.chance(0.8) ? { ...fault, target: nodes - 1 - dice.below(leftOut) } : fault);
  }
  return script;
}

function faultIn(random: Random, kind: FaultKind, [phase, length]: readonly [SimPhase, number]): Fault {
  return {
    kind,
    phase,
    after: random.below(length),
    target: random.below(15),
    draw: random.below(1_000_000_000),
  };
}
