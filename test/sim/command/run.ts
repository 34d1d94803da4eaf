import { coverageOf } from '../coverage-table.ts';
import { OUTCOMES } from '../outcomes.ts';
import { runNear } from './near.ts';
import { newSeed, type RunOptions } from './options.ts';
import { runPool } from './pool.ts';
import { readSliceFile, writeSliceFile } from './slice-file.ts';
import { addTotals, eventsPerOperation, eventsPerSecond, noTotals, shareOf, type Totals } from './totals.ts';

const MAX_FAILURES = 20;
const WRITE_EVERY_MS = 2_000;
const SAY_EVERY_MS = 5_000;
const LEAST_SHARE = 0.2;
const LEAST_EVENTS = 300;

export interface RunResult {
  readonly seed: number;
  readonly totals: Totals;
  /** Operations below it are done. */
  readonly nextIndex: number;
  readonly isInterrupted: boolean;
  /** What was required and is not so. */
  readonly unmet: readonly string[];
}

/** A run, or one slice of it. */
export async function run(
  options: RunOptions,
  say: (line: string) => void,
  interrupted: AbortSignal,
): Promise<RunResult> {
  const before = options.resume === undefined ? undefined : readSliceFile(options.resume);
  if (before !== undefined && options.seed !== undefined && options.seed !== before.seed) {
    throw new Error(`${options.resume} is of seed ${before.seed}, not ${options.seed}`);
  }
  const seed = before?.seed ?? options.seed ?? newSeed();
  const from = before?.nextIndex ?? 0;
  const to = Math.min(options.runs, from + options.slice);
  const totals = before?.totals ?? noTotals();
  say(`seed ${seed}, operations ${from} to ${to - 1}`);

  let saidMs = performance.now();
  let writtenMs = performance.now();
  const keep = (done: Totals, next: number): void => {
    if (options.resume === undefined || (done.failures.length > 0 && !options.keepGoing)) return;
    const all = noTotals();
    addTotals(all, totals);
    addTotals(all, done);
    writeSliceFile(options.resume, { seed, nextIndex: next, totals: all });
  };
  const { totals: done, next } = await runPool({
    seed,
    from,
    to,
    jobs: options.jobs,
    keepGoing: options.keepGoing,
    isOver: ({ failures }) =>
      interrupted.aborted || failures.length >= (options.keepGoing ? MAX_FAILURES : 1),
    onProgress(sofar, upTo) {
      const nowMs = performance.now();
      if (nowMs - writtenMs > WRITE_EVERY_MS) {
        writtenMs = nowMs;
        keep(sofar, upTo);
      }
      if (nowMs - saidMs < SAY_EVERY_MS) return;
      saidMs = nowMs;
      say(`${upTo} of ${options.runs} operations, ${Math.round(eventsPerSecond(sofar))} events a second`);
    },
  });
  keep(done, next);
  addTotals(totals, done);
  if (options.near > 0 && next >= options.runs && !interrupted.aborted) {
    const before = process.cpuUsage();
    const cpuMs = totals.cpuMs;
    await runNear({
      totals,
      seed,
      required: options.requireCoverage,
      most: options.near,
      isOver: () => {
        const { user, system } = process.cpuUsage(before);
        totals.cpuMs = cpuMs + (user + system) / 1000;
        return interrupted.aborted || totals.failures.length >= (options.keepGoing ? MAX_FAILURES : 1);
      },
      onProgress(near, missing) {
        if (performance.now() - saidMs < SAY_EVERY_MS) return;
        saidMs = performance.now();
        say(`${near} near, ${missing.length} cells to go, ${missing[0]} the first`);
      },
    });
    if (options.resume !== undefined) writeSliceFile(options.resume, { seed, nextIndex: next, totals });
  }
  return {
    seed,
    totals,
    nextIndex: next,
    isInterrupted: interrupted.aborted && next < to,
    unmet: unmetBy(totals, options),
  };
}

function unmetBy(totals: Totals, options: RunOptions): string[] {
  const unmet: string[] = [];
  if (options.requireShares) {
    for (const outcome of ['restored', 'rolled-back'] as const) {
      const share = shareOf(totals, outcome);
      if (share < LEAST_SHARE) unmet.push(`${percent(share)} ended ${outcome}, not ${percent(LEAST_SHARE)}`);
    }
    const events = eventsPerOperation(totals);
    if (events < LEAST_EVENTS) unmet.push(`${events.toFixed(0)} events an operation, not ${LEAST_EVENTS}`);
  }
  const rate = eventsPerSecond(totals);
  if (rate < options.requireRate)
    unmet.push(`${rate.toFixed(0)} events a second, not ${options.requireRate}`);
  if (options.requireCoverage > 0) {
    const { missing } = coverageOf(totals.cells, options.requireCoverage);
    if (missing.length > 0)
      unmet.push(`${missing.length} cells were hit less than ${options.requireCoverage} times`);
  }
  const { unforeseen } = coverageOf(totals.cells, 0);
  if (options.requireCoverage > 0 && unforeseen.length > 0) {
    unmet.push(`${unforeseen.length} cells were hit that the table does not have, or calls impossible`);
  }
  return unmet;
}

/** For a person. */
export function describeRun({ seed, totals, unmet }: RunResult, options: RunOptions): string {
  const lines = [
    `seed ${seed}: ${totals.operations} operations, ${totals.events} events, ${eventsPerOperation(totals).toFixed(0)} an operation`,
    `${Math.round(eventsPerSecond(totals))} checked events a second of one core`,
    OUTCOMES.map((outcome) => `${outcome} ${percent(shareOf(totals, outcome))}`).join(', '),
    ...describeCoverage(totals, Math.max(1, options.requireCoverage)),
    ...unmet.map((each) => `required: ${each}`),
    ...totals.failures.flatMap(({ token, message, event }) => [
      `broken after event ${event}: ${message}`,
      `replay: npm run sim -- --replay ${token}`,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** More than this many names tell nobody more. */
const MAX_NAMED = 60;

function describeCoverage(totals: Totals, required: number): string[] {
  const { rows, missing, unforeseen } = coverageOf(totals.cells, required);
  const possible = rows.filter((row) => row.why === undefined);
  const example = (cell: string): string =>
    totals.examples[cell] === undefined ? '' : `, ${totals.examples[cell]}`;
  const names = (of: typeof rows): string[] => [
    ...of.slice(0, MAX_NAMED).map(({ cell, hits }) => `  ${cell}: ${hits}${example(cell)}`),
    ...(of.length > MAX_NAMED ? [`  and ${of.length - MAX_NAMED} more`] : []),
  ];
  return [
    `${possible.length - missing.length} of ${possible.length} cells hit at least ${required} times; ${rows.length - possible.length} are impossible`,
    // Without a requirement the list of what a short run did not reach is noise.
    ...(required > 1 ? names(missing) : []),
    ...(unforeseen.length > 0 ? ['unforeseen:', ...names(unforeseen)] : []),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
