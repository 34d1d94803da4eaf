import type { ContenderName } from './contender.ts';

/** Outages by contender, one a run, in milliseconds. */
export type Results = Readonly<Partial<Record<ContenderName, readonly number[]>>>;

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

/** What Lockstep promises of its outage, by medians, beside whoever was measured with it. */
export function verdicts(results: Results): Verdict[] {
  const lockstep = median(results.lockstep ?? []);
  const atMost = (text: string, other: ContenderName, limitMs: (otherMs: number) => number): Verdict[] => {
    const measured = results[other];
    if (measured === undefined) return [];
    const limit = limitMs(median(measured));
    return [
      {
        text: `${text}: ${seconds(lockstep)} ${lockstep <= limit ? '<=' : '>'} ${seconds(limit)}`,
        holds: lockstep <= limit,
      },
    ];
  };
  return [
    ...atMost('at most the floor and 1.5 s', 'floor', (ms) => ms + 1_500),
    ...atMost('at most 1.5 times the floor', 'floor', (ms) => ms * 1.5),
    ...atMost('at most a third of the runbook', 'runbook', (ms) => ms / 3),
    ...atMost('at most 0.7 of the good script', 'good-script', (ms) => ms * 0.7),
  ];
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
