import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { locateAllEtcd } from '../lab/tools/locate.ts';
import { readCorpus } from './corpus.ts';
import { DEADLINE_MS, judge } from './judge.ts';
import { mutantOf } from './mutate.ts';
import { compareWithUtility } from './utility.ts';
import type { Batch, WorkerTask } from './worker.ts';

const USAGE = `Usage: npm run fuzz [-- --count N] [--seed N] [--compare N] [--state FILE] [--replay INDEX]

Reads mutants of small snapshots: each must be read, or refused with the page at fault, within
a bound of memory and time. Every second mutant knows of pages.

  --count N        mutants (default 20000)
  --seed N         of the run (default 1)
  --compare N      asks etcdutl about so many of them as well (default 0)
  --state FILE     goes on where this file says that an earlier run left off, and keeps it
  --replay INDEX   one mutant of the run: what was done to it, and what came of it
`;

/** A mutant on which nothing came back for so much of the processor's time hangs. */
const HANG_MS = 4 * DEADLINE_MS;
const WATCH_MS = 1_000;
const SAY_EVERY_MS = 30_000;
/** A worker that needs more is ended by Node, and the mutant at hand named. */
const OLD_GENERATION_MB = 128;
const MEMORY_DIRECTORY = '/dev/shm';

interface State {
  readonly seed: string;
  next: number;
  tookMs: number;
  readonly kinds: Record<string, number>;
  readonly compared: Record<string, number>;
  readonly failures: { index: number; why: string }[];
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    compare: { type: 'string', default: '0' },
    state: { type: 'string' },
    replay: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const directory = existsSync(MEMORY_DIRECTORY) ? MEMORY_DIRECTORY : tmpdir();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help) say(USAGE);
else if (values.replay !== undefined) await replay(BigInt(values.seed), Number(values.replay));
else await fuzz(BigInt(values.seed), Number(values.count), Number(values.compare));

async function utility(): Promise<string> {
  const tools = (await locateAllEtcd()).find(({ version }) => Number(version.split('.')[1]) >= 6);
  return tools?.etcdutl ?? '';
}

async function replay(seed: bigint, index: number): Promise<void> {
  const mutant = mutantOf(readCorpus(), seed, index);
  const path = `${directory}/lockstep-fuzz-${seed}-${index}.db`;
  const verdict = judge(mutant, path);
  say(`${mutant.seed.name}, ${mutant.bytes.length} bytes: ${mutant.changes.join('; ')}`);
  if (verdict.kind === 'read') say('read');
  else say(verdict.kind === 'failed' ? `FAILED: ${verdict.why}` : `${verdict.code}: ${verdict.message}`);
  const etcdutl = await utility();
  if (etcdutl !== '') say(`etcdutl: ${compareWithUtility(etcdutl, path, verdict).kind}`);
  say(`left at ${path}`);
}

async function fuzz(seed: bigint, count: number, compare: number): Promise<void> {
  const state = readState(seed);
  const etcdutl = compare > 0 ? await utility() : '';
  if (compare > 0 && etcdutl === '')
    throw new Error('No etcdutl of 3.6 or later was found: npm run tools -- --all.');
  const compareEvery = compare > 0 ? Math.max(1, Math.floor(count / compare)) : 0;
  let said = performance.now();
  while (state.next < count) {
    const died = await runWorker(state, { seed, count, compareEvery, etcdutl }, () => {
      if (performance.now() - said < SAY_EVERY_MS) return;
      said = performance.now();
      say(`${state.next} of ${count}, ${rate(state)} a second, ${state.failures.length} failures`);
    });
    if (died === undefined) continue;
    state.failures.push(died);
    state.next = died.index + 1;
    writeState(state);
  }
  report(state);
  if (state.failures.length > 0) process.exitCode = 1;
}

/** Resolves with the mutant on which the worker died or hung; with nothing where it came to the end. */
async function runWorker(
  state: State,
  run: { seed: bigint; count: number; compareEvery: number; etcdutl: string },
  progress: () => void,
): Promise<{ index: number; why: string } | undefined> {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const { seed, count, compareEvery, etcdutl } = run;
  const workerData: WorkerTask = {
    runSeed: seed,
    from: state.next,
    to: count,
    compareEvery,
    etcdutl,
    directory,
    counter,
  };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: OLD_GENERATION_MB },
  });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let start = performance.now();
  let watched = { index: -1, since: process.cpuUsage() };
  const watch = setInterval(() => {
    const index = Atomics.load(counter, 0);
    if (index !== watched.index) watched = { index, since: process.cpuUsage() };
    const { user, system } = process.cpuUsage(watched.since);
    if ((user + system) / 1000 > HANG_MS) resolve(`no answer within ${HANG_MS} ms`);
  }, WATCH_MS);
  worker.on('message', (batch: Batch) => {
    state.next = batch.next;
    state.tookMs += performance.now() - start;
    start = performance.now();
    add(state.kinds, batch.kinds);
    add(state.compared, batch.compared);
    state.failures.push(...batch.failures);
    for (const { index, why } of batch.failures) say(`mutant ${index}: ${why}`);
    writeState(state);
    progress();
  });
  worker.once('error', (error) => resolve(`the reader died: ${error.message}`));
  worker.once('exit', (code) => resolve(code === 0 ? undefined : `the reader ended with ${code}`));
  try {
    const why = await promise;
    return why === undefined ? undefined : { index: Atomics.load(counter, 0), why };
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

function readState(seed: bigint): State {
  if (values.state !== undefined && existsSync(values.state)) {
    const state = JSON.parse(readFileSync(values.state, 'utf8')) as State;
    if (state.seed !== String(seed)) throw new Error(`${values.state} is of seed ${state.seed}.`);
    return state;
  }
  return { seed: String(seed), next: 0, tookMs: 0, kinds: {}, compared: {}, failures: [] };
}

function writeState(state: State): void {
  if (values.state === undefined) return;
  writeFileSync(`${values.state}.new`, JSON.stringify(state, undefined, 1));
  renameSync(`${values.state}.new`, values.state);
}

function report(state: State): void {
  const table = (title: string, tally: Record<string, number>) => {
    say(title);
    for (const [kind, count] of Object.entries(tally).sort(([, a], [, b]) => b - a)) {
      say(`${String(count).padStart(9)}  ${kind}`);
    }
  };
  table(`${state.next} mutants, ${rate(state)} a second`, state.kinds);
  if (Object.keys(state.compared).length > 0) table('compared with etcdutl', state.compared);
  say(`${state.failures.length} failures`);
  for (const { index, why } of state.failures) say(`  --seed ${state.seed} --replay ${index}: ${why}`);
}

function rate({ next, tookMs }: State): number {
  return Math.round(next / (tookMs / 1000));
}

function add(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [kind, count] of Object.entries(more)) sum[kind] = (sum[kind] ?? 0) + count;
}
