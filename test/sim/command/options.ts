import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run sim -- [--runs N] [--seed S] [--jobs J] [--resume FILE] [-o json]
       npm run sim -- --replay TOKEN
       npm run sim -- --shrink TOKEN

Simulated restores, with faults: the real coordinator and the real agents on a seeded clock, network, disk
and hosting. Every invariant is checked after every event. Stops at the first that is broken.

  --runs N               operations (1000)
  --seed S               a number; a new one, printed, where left out
  --jobs J               threads (1)
  --resume FILE          goes on where FILE says, and keeps it: a slice ends whole at Ctrl-C
  --slice N              with --resume: at most N operations this time
  --near N               with --resume and --require-coverage: when the runs are done, at most N more, near
                         those that hit the rarest cells, until each was hit as often as is required
  --replay TOKEN         runs one operation again, exactly, and prints its trace
  --shrink TOKEN         leaves out faults that a failure does not need
  --no-shrink            stops after the line that replays
  --keep-going           goes on after an operation that failed, up to 20 of them
  --require-coverage N   fails where a cell of the table was hit less than N times
  --require-shares       fails below 20% restored, 20% rolled-back or 300 events an operation
  --require-rate N       fails below N checked events a second of one core
  -o json                one JSON document on standard output; progress goes to standard error

Exit codes: 0 nothing broken; 1 something is, or a requirement is not met; 2 usage; 130 interrupted.

Examples:
  npm run sim -- --runs 1000000 --jobs 2 --resume /tmp/million.json --require-coverage 100 --require-shares
  npm run sim -- --runs 200 --seed 7
  npm run sim -- --replay 7.31
`;

/** Fits in a double, and is short enough to be read out over a telephone. */
const SEED_LIMIT = 2 ** 32;

export interface RunOptions {
  readonly kind: 'run';
  readonly runs: number;
  /** Undefined: that of the file that is resumed, else a new one. */
  readonly seed: number | undefined;
  readonly jobs: number;
  readonly resume: string | undefined;
  /** The most operations of this slice. */
  readonly slice: number;
  /** The most operations near those that hit the rarest cells. */
  readonly near: number;
  readonly keepGoing: boolean;
  readonly shrinks: boolean;
  readonly requireCoverage: number;
  readonly requireShares: boolean;
  readonly requireRate: number;
  readonly json: boolean;
}

export type Options =
  | RunOptions
  | { readonly kind: 'replay' | 'shrink'; readonly token: string; readonly json: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'unusable'; readonly why: string };

export function newSeed(): number {
  return randomInt(SEED_LIMIT);
}

export function parseOptions(args: readonly string[]): Options {
  try {
    return read(args);
  } catch (error) {
    return { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
}

function read(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '1000' },
      seed: { type: 'string' },
      jobs: { type: 'string', default: '1' },
      resume: { type: 'string' },
      slice: { type: 'string' },
      near: { type: 'string', default: '0' },
      replay: { type: 'string' },
      shrink: { type: 'string' },
      'no-shrink': { type: 'boolean', default: false },
      'keep-going': { type: 'boolean', default: false },
      'require-coverage': { type: 'string', default: '0' },
      'require-shares': { type: 'boolean', default: false },
      'require-rate': { type: 'string', default: '0' },
      output: { type: 'string', short: 'o', default: 'text' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  if (values.output !== 'text' && values.output !== 'json') throw new Error(`no output ${values.output}`);
  const json = values.output === 'json';
  if (values.replay !== undefined) return { kind: 'replay', token: values.replay, json };
  if (values.shrink !== undefined) return { kind: 'shrink', token: values.shrink, json };
  const runs = count('runs', values.runs, 1);
  return {
    kind: 'run',
    runs,
    seed: values.seed === undefined ? undefined : count('seed', values.seed, 0, SEED_LIMIT - 1),
    jobs: count('jobs', values.jobs, 1),
    resume: values.resume,
    slice: values.slice === undefined ? runs : count('slice', values.slice, 1),
    near: count('near', values.near, 0),
    keepGoing: values['keep-going'],
    shrinks: !values['no-shrink'] && !values['keep-going'] && !json,
    requireCoverage: count('require-coverage', values['require-coverage'], 0),
    requireShares: values['require-shares'],
    requireRate: count('require-rate', values['require-rate'], 0),
    json,
  };
}

function count(name: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}
