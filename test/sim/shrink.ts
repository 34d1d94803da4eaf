import * as fc from 'fast-check';
import type { Simulated } from './simulate.ts';
import type { Token } from './token.ts';
import type { FaultScript } from './world/faults.ts';

/** Every candidate is one more run; most scripts are down to one or two faults long before. */
const MAX_SHRINKS = 400;
const TIME_LIMIT_MS = 60_000;

export interface Shrunk {
  /** With the faults that are left. */
  readonly token: Token;
  readonly invariant: string;
  readonly message: string;
  readonly tried: number;
}

/**
 * Leaves out faults, and lets the others come earlier, for as long as the same invariant breaks.
 * Undefined where the token breaks nothing.
 */
export async function shrink(
  token: Token,
  simulate: (token: Token) => Promise<Pick<Simulated, 'script' | 'broken'>>,
): Promise<Shrunk | undefined> {
  const whole = await simulate(token);
  if (whole.broken === undefined) return undefined;
  const { invariant } = whole.broken;
  let best = { script: whole.script, message: whole.broken.message };
  let tried = 0;

  const isStillBroken = async (script: FaultScript): Promise<boolean> => {
    tried += 1;
    const { broken } = await simulate({ ...token, script });
    if (broken?.invariant !== invariant) return false;
    best = { script, message: broken.message };
    return true;
  };
  if (!(await isStillBroken(whole.script)))
    throw new Error('the same seed and faults did not break it again');

  await fc.check(
    fc.asyncProperty(scriptsWithin(whole.script), async (choices) => {
      if (tried >= MAX_SHRINKS) return true;
      return !(await isStillBroken(scriptOf(whole.script, choices)));
    }),
    {
      numRuns: 1,
      examples: [[whole.script.map(({ after }) => [true, after] as [boolean, number])]],
      interruptAfterTimeLimit: TIME_LIMIT_MS,
    },
  );
  return { token: { ...token, script: best.script }, invariant, message: best.message, tried };
}

type Choices = readonly (readonly [kept: boolean, after: number])[];

/** For each fault: whether it stays, and when it comes; toward none, and toward at once. */
function scriptsWithin(script: FaultScript): fc.Arbitrary<[boolean, number][]> {
  const choices = script.map(({ after }) => fc.tuple(fc.boolean(), fc.integer({ min: 0, max: after })));
  return fc.tuple(...choices);
}

function scriptOf(script: FaultScript, choices: Choices): FaultScript {
  return script.flatMap((fault, index) => {
    const [isKept, after] = choices[index] ?? [true, fault.after];
    return isKept ? [{ ...fault, after }] : [];
  });
}
