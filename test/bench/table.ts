import { timings } from '../lab/timings.ts';
import type { Contender, ContenderName } from './contender.ts';
import type { Measurement } from './measure.ts';
import { median, seconds, type Verdict } from './verdict.ts';

export interface BenchResult {
  readonly nodes: number;
  readonly etcdVersion: string;
  readonly runs: number;
  readonly contenders: readonly ContenderResult[];
  readonly verdicts: readonly Verdict[];
  /** Of the stand-ins, milliseconds. */
  readonly timings: typeof timings;
}

export interface ContenderResult {
  readonly name: ContenderName;
  readonly describe: string;
  readonly medianMs: number;
  readonly outagesMs: readonly number[];
  /** The API went away more than once in these runs. */
  readonly interrupted: number;
}

export function contenderResult(
  { name, describe }: Contender,
  measurements: readonly Measurement[],
): ContenderResult {
  const outagesMs = measurements.map(({ outageMs }) => outageMs);
  return {
    name,
    describe,
    medianMs: median(outagesMs),
    outagesMs,
    interrupted: measurements.filter(({ outages }) => outages > 1).length,
  };
}

/** What a person reads at the end of a bench. */
export function table(result: BenchResult): string {
  const lines = [
    `Outage of the API as clients saw it, median of ${result.runs}; ${result.nodes} nodes, etcd ${result.etcdVersion}`,
    '',
    ...result.contenders.map(
      ({ name, describe, medianMs, outagesMs }) =>
        `  ${name.padEnd(15)} ${seconds(medianMs).padStart(8)}   ${outagesMs.map((ms) => (ms / 1000).toFixed(2)).join(' ')}\n` +
        `  ${''.padEnd(15)} ${describe}`,
    ),
    '',
    'Lockstep',
    ...result.verdicts.map(({ text, holds }) => `  ${holds ? '✓' : '✗'} ${text}`),
    '',
    'Timings of the stand-ins (ms)',
    ...Object.entries(timings).map(([name, ms]) => `  ${name.padEnd(22)} ${String(ms).padStart(7)}`),
  ];
  return `${lines.join('\n')}\n`;
}
