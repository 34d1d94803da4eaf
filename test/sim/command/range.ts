import { cellsOf } from '../coverage.ts';
import { outcomeOf } from '../outcomes.ts';
import { type Simulated, simulate } from '../simulate.ts';
import { tokenText } from '../token.ts';
import { noTotals, type Totals } from './totals.ts';

export interface Range {
  readonly seed: number;
  readonly from: number;
  /** Not included. */
  readonly to: number;
  /** Else the first operation that breaks something is the last. */
  readonly keepGoing: boolean;
}

/** Runs the operations of a range, one after another. */
export async function runRange({ seed, from, to, keepGoing }: Range): Promise<Totals> {
  const totals = noTotals();
  for (let index = from; index < to; index += 1) {
    addOperation(
      totals,
      tokenText({ seed, index, script: undefined }),
      await simulate({ seed, index, script: undefined }),
    );
    if (totals.failures.length > 0 && !keepGoing) break;
  }
  return totals;
}

/** Adds one operation to the totals, and returns the cells that it hit. */
export function addOperation(totals: Totals, token: string, simulated: Simulated): ReadonlySet<string> {
  const outcome = outcomeOf(simulated.outcome);
  totals.operations += 1;
  totals.events += simulated.events;
  totals.outcomes[outcome] = (totals.outcomes[outcome] ?? 0) + 1;
  const hits = new Set<string>();
  const hit = (cell: string, count: number): void => {
    totals.cells[cell] = (totals.cells[cell] ?? 0) + count;
    totals.examples[cell] ??= token;
    hits.add(cell);
  };
  for (const cell of cellsOf(simulated)) hit(cell, 1);
  for (const [cell, count] of simulated.steps) hit(cell, count);
  const { broken } = simulated;
  if (broken !== undefined) totals.failures.push({ token, ...broken });
  return hits;
}
