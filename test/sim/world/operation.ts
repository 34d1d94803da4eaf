import type { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { FaultKind, FaultScript } from './faults.ts';
import { plannedWorld } from './plan.ts';
import { Random } from './random.ts';
import { coordinatorsOf, scriptOf, shapeOf } from './script.ts';
import type { SimPhase } from './sim-phase.ts';
import type { WorldView } from './view.ts';
import { SimWorld } from './world.ts';

export interface RunOptions {
  /** Called after every event; what it throws ends the operation as a violation. */
  readonly check: (world: WorldView) => void;
}

export interface OperationResult {
  readonly seed: bigint;
  /** As it was run: the seed's own where none was given. Replays exactly with the seed. */
  readonly script: FaultScript;
  readonly events: number;
  readonly simulatedMs: number;
  readonly outcome: Outcome | undefined;
  /** Of the failure that the outcome names, or empty. */
  readonly code: string;
  /** Faults that took place, and in which phase. */
  readonly faults: readonly { readonly kind: FaultKind; readonly phase: SimPhase }[];
  /** "forward.6 -> undo.0", in order, of all coordinators. */
  readonly transitions: readonly string[];
  readonly violation: { readonly message: string; readonly event: number } | undefined;
}

export type OperationInput = bigint | { readonly seed: bigint; readonly script: FaultScript };

/** After this many events the process's own affairs get a turn. */
const EVENTS_AT_ONCE = 2_000;

/**
 * One operation, start to end, in a world made from the seed. Deterministic: the same seed and
 * script give the same events. Where no script is given, one is derived from the seed; a given
 * one replaces it, and the seed then decides everything else.
 */
export async function runOperation(input: OperationInput, { check }: RunOptions): Promise<OperationResult> {
  const seed = typeof input === 'bigint' ? input : input.seed;
  const random = new Random(seed);
  const shape = shapeOf(seed, random);
  const coordinators = coordinatorsOf(random);
  const own = scriptOf(seed, shape, random);
  const script = typeof input === 'bigint' ? own : input.script;
  const world = new SimWorld({ seed: seed + 1n, planned: plannedWorld(shape), coordinators, script });
  const violation = await run(world, check);
  for (const coordinator of world.coordinators) coordinator.release();
  return {
    seed,
    script,
    events: world.events,
    simulatedMs: world.nowMs,
    outcome: world.end?.outcome,
    code: world.end?.code ?? '',
    faults: world.faults,
    transitions: world.transitions,
    violation,
  };
}

/**
 * Dispatches event after event, and looks at the world once everything that an event set going
 * has come to rest. A tick that is asked for by a microtask comes after all other microtasks:
 * that is how one knows, without the price of a turn of the event loop.
 */
function run(world: SimWorld, check: (world: WorldView) => void): Promise<OperationResult['violation']> {
  return new Promise((resolve) => {
    let sinceBreath = 0;
    const violated = (thrown: unknown): void => {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      resolve({ message, event: world.events });
    };
    const turn = (): void => {
      try {
        world.settle();
        check(world);
        if (world.end !== undefined) {
          resolve(undefined);
          return;
        }
        if (!world.step()) throw new Error('nothing happens any more, and the operation has not ended');
      } catch (thrown) {
        violated(thrown);
        return;
      }
      sinceBreath += 1;
      if (sinceBreath < EVENTS_AT_ONCE) {
        queueMicrotask(next);
        return;
      }
      sinceBreath = 0;
      setImmediate(turn);
    };
    const next = (): void => process.nextTick(turn);
    setImmediate(turn);
  });
}
