import type { ContenderName } from './contender.ts';

/** Outages by contender, one a run, in milliseconds. */
export type Results = Readonly<Record<ContenderName, readonly number[]>>;

export interface Verdict {
  readonly text: string;
  readonly holds: boolean;
}

/** The middle one, or the mean of the two in the middle. Throws where there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle];
  if (upper === undefined || lower === undefined) throw new Error('no values');
  return (lower + upper) / 2;
}

/** What Lockstep promises of its outage, by medians. */
export function verdicts(results: Results): Verdict[] {
  const of = (name: ContenderName): number => median(results[name]);
  const lockstep = of('lockstep');
  const atMost = (text: string, limitMs: number): Verdict => ({
    text: `${text}: ${seconds(lockstep)} ${lockstep <= limitMs ? '<=' : '>'} ${seconds(limitMs)}`,
    holds: lockstep <= limitMs,
  });
  return [
    atMost('at most the floor and 1.5 s', of('floor') + 1_500),
    atMost('at most 1.5 times the floor', of('floor') * 1.5),
    atMost('at most a third of the runbook', of('runbook') / 3),
    atMost('at most 0.7 of the good script', of('good-script') * 0.7),
  ];
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
