import { INVARIANTS, watchAll } from './checkers/all.ts';
import { watchSteps } from './coverage.ts';
import { operationSeed, type Token } from './token.ts';
import { type OperationResult, type RunOptions, runOperation } from './world/operation.ts';
import type { WorldView } from './world/view.ts';

/** What a broken operation broke. `defect`: the code under test threw where it must not. */
export interface Broken {
  readonly invariant: string;
  readonly message: string;
  /** Number of the event after which it was found. */
  readonly event: number;
}

export interface Simulated extends OperationResult {
  readonly broken: Broken | undefined;
  /** "STEP_SWAP begun", by how often. */
  readonly steps: ReadonlyMap<string, number>;
}

/** Runs one operation under every check. `observe` sees the world after each event, before the checks. */
export async function simulate(token: Token, observe?: (world: WorldView) => void): Promise<Simulated> {
  const seed = operationSeed(token);
  const check = watchAll();
  const steps = watchSteps();
  const options: RunOptions = {
    check: (world) => {
      observe?.(world);
      steps.see(world);
      check(world);
    },
  };
  const input = token.script === undefined ? seed : { seed, script: token.script };
  const result = await survive(seed, token, () => runOperation(input, options));
  return { ...result, broken: brokenBy(result), steps: steps.counts };
}

/**
 * A rejection that nobody handles would end a real program; here it ends the operation, so that
 * its token is told. Whatever that world still throws afterwards tells nothing more.
 */
async function survive(
  seed: bigint,
  { script }: Token,
  run: () => Promise<OperationResult>,
): Promise<OperationResult> {
  const crash = Promise.withResolvers<never>();
  process.on('uncaughtException', crash.reject);
  try {
    const result = await Promise.race([run(), crash.promise]);
    process.off('uncaughtException', crash.reject);
    return result;
  } catch (thrown) {
    return {
      seed,
      script: script ?? [],
      events: 0,
      simulatedMs: 0,
      outcome: undefined,
      code: '',
      faults: [],
      transitions: [],
      violation: {
        message: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
        event: 0,
      },
    };
  }
}

function brokenBy({ violation }: OperationResult): Broken | undefined {
  if (violation === undefined) return undefined;
  const { message, event } = violation;
  const named = INVARIANTS.find(({ name }) => message.includes(`${name}: `));
  return { invariant: named?.name ?? 'defect', message, event };
}
