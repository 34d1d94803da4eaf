import { coverageOf } from '../coverage-table.ts';
import { simulate } from '../simulate.ts';
import { parseToken, type Token, tokenText } from '../token.ts';
import { FAULT_KINDS, type Fault, type FaultScript } from '../world/faults.ts';
import { Random } from '../world/random.ts';
import { LEADS } from './leads.ts';
import { addOperation } from './range.ts';
import type { Totals } from './totals.ts';

/** Operations that hit a cell and are varied in turn. */
const MAX_BASES = 12;
/** A fault that is moved goes at most so many events away. */
const MOVED_BY = 12;

interface Base {
  readonly token: Token;
  readonly script: FaultScript;
}

export interface NearRequest {
  readonly totals: Totals;
  readonly seed: number;
  /** Until every cell of which an example is known was hit so often. */
  readonly required: number;
  readonly most: number;
  readonly isOver: () => boolean;
  readonly onProgress: (done: number, missing: readonly string[]) => void;
}

/**
 * Operations near those that hit the rarest cells: their faults a little earlier or later, on
 * another node, drawn anew, one more or one less. Chance alone would take tens of millions to come
 * by there as often. Each is checked like any other, and its token replays it. Adds to the totals.
 */
export async function runNear(request: NearRequest): Promise<void> {
  const { totals, seed, required, most, isOver, onProgress } = request;
  const random = new Random(BigInt(seed));
  const bases = new Map<string, Base[]>();
  for (let done = 0; done < most && !isOver(); ) {
    const missing = coverageOf(totals.cells, required)
      .missing.map(({ cell }) => cell)
      .filter((cell) => exampleOf(cell, totals) !== undefined);
    if (missing.length === 0) return;
    onProgress(done, missing);
    for (const cell of missing) {
      const known = bases.get(cell) ?? [await baseOf(exampleOf(cell, totals) ?? '')];
      bases.set(cell, known);
      const { token, script } = random.pick(known);
      const varied: Token = { ...token, script: vary(script, random) };
      const simulated = await simulate(varied);
      const hits = addOperation(totals, tokenText(varied), simulated);
      done += 1;
      if (hits.has(cell) && known.length < MAX_BASES) known.push({ token: varied, script: simulated.script });
    }
    // A signal is heard between macrotasks alone.
    await new Promise(setImmediate);
  }
}

/** Its own of this run, or one that is known to lead there. */
function exampleOf(cell: string, { examples }: Totals): string | undefined {
  return examples[cell] ?? LEADS[cell];
}

async function baseOf(text: string): Promise<Base> {
  const token = parseToken(text);
  return { token, script: (await simulate(token)).script };
}

function vary(script: FaultScript, random: Random): FaultScript {
  const faults = [...script];
  const changes = random.between(1, 2);
  for (let change = 0; change < changes; change += 1) {
    const at = random.below(Math.max(1, faults.length));
    const fault = faults[at];
    if (fault === undefined || random.chance(0.1)) faults.push(another(fault, random));
    else if (random.chance(0.05)) faults.splice(at, 1);
    else faults[at] = moved(fault, random);
  }
  return faults;
}

function moved(fault: Fault, random: Random): Fault {
  switch (random.below(4)) {
    case 0:
      return { ...fault, draw: random.below(1_000_000_000) };
    case 1:
      return { ...fault, target: random.below(15) };
    default:
      return { ...fault, after: Math.max(0, fault.after + random.between(-MOVED_BY, MOVED_BY)) };
  }
}

function another(like: Fault | undefined, random: Random): Fault {
  return {
    kind: random.pick(FAULT_KINDS),
    phase: like?.phase ?? 1,
    after: random.below(60),
    target: random.below(15),
    draw: random.below(1_000_000_000),
  };
}
