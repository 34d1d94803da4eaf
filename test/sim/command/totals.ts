import { z } from 'zod';
import type { SimOutcome } from '../outcomes.ts';

const failureSchema = z.object({
  token: z.string(),
  invariant: z.string(),
  message: z.string(),
  event: z.number(),
});
export type FailedOperation = z.infer<typeof failureSchema>;

export const totalsSchema = z.object({
  operations: z.number(),
  events: z.number(),
  /** Of this process's threads together, while operations ran. */
  cpuMs: z.number(),
  outcomes: z.record(z.string(), z.number()),
  /** Hits by the name of the cell. */
  cells: z.record(z.string(), z.number()),
  /** An operation that hit the cell, by its token: to look at what is rare. */
  examples: z.record(z.string(), z.string()).default({}),
  failures: z.array(failureSchema),
});

/** What a number of operations came to; those of two runs add up. */
export type Totals = z.infer<typeof totalsSchema>;

export function noTotals(): Totals {
  return { operations: 0, events: 0, cpuMs: 0, outcomes: {}, cells: {}, examples: {}, failures: [] };
}

export function addTotals(into: Totals, more: Totals): void {
  into.operations += more.operations;
  into.events += more.events;
  into.cpuMs += more.cpuMs;
  addCounts(into.outcomes, more.outcomes);
  addCounts(into.cells, more.cells);
  for (const [cell, token] of Object.entries(more.examples)) into.examples[cell] ??= token;
  into.failures.push(...more.failures);
}

function addCounts(into: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) into[name] = (into[name] ?? 0) + count;
}

export function shareOf(totals: Totals, outcome: SimOutcome): number {
  return totals.operations === 0 ? 0 : (totals.outcomes[outcome] ?? 0) / totals.operations;
}

export function eventsPerOperation(totals: Totals): number {
  return totals.operations === 0 ? 0 : totals.events / totals.operations;
}

/** Of one core. */
export function eventsPerSecond(totals: Totals): number {
  return totals.cpuMs === 0 ? 0 : (totals.events * 1000) / totals.cpuMs;
}
