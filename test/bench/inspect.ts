import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Pod } from '@lockstep/shared/generated/kubernetes/core/v1/core.ts';
import { sniff } from '@lockstep/shared/kubernetes/envelope.ts';
import type { Entry } from '../demo/baseline/entry.ts';
import { seal } from '../lab/api-server/envelope.ts';
import { runProgram } from '../lab/programs.ts';
import { GrownLab } from './snapshots/grown-lab.ts';
import { median } from './verdict.ts';

const USAGE = `Usage: node test/bench/inspect.ts [--runs N] [--sizes MB,MB] [--etcd VERSION]

What the command line takes for snapshots of a real etcd, each command a process of its own, from its
start to its end: snapshot show beside etcdutl snapshot status, every object decoded, a diff of two
snapshots; and the memory of each command on the largest, its heap capped.

  --runs N         of each, in turns (5)
  --sizes MB,MB    of the store, growing (400,2000)
  --etcd VERSION   3.6 or 3.6.16 (3.6)
`;
const USAGE_ERROR = 2;
const TIMEOUT_MS = 600_000;
const MB = 1_000_000;
const EXIT_FINDINGS = 8;
const MAX_KEPT_CHARACTERS = 2_000;
const COMMAND_LINE = resolve(import.meta.dirname, '../../coordinator/cli/main.ts');
const LIMITS = { show: 4, decodeMbPerSecond: 100, diffMs: 10_000, diffUpToMb: 400, heapMb: 300 };
/** Of what differs between the two snapshots of a size. */
const ADDED_SHARE = 0.05;
const CHANGED_PODS = 2_000;

/** Commands of the capped runs; each must say all it has to say. */
const CAPPED: readonly (readonly string[])[] = [
  ['snapshot', 'show'],
  ['inspect', 'keys', '-o', 'json'],
  ['inspect', 'findings', '-o', 'json'],
  ['inspect', 'timeline', '-o', 'json'],
];

/** Decodes the newest value of every key, from opening the file to its end. */
const DECODE_ALL = `
  import { visitLive } from '@lockstep/coordinator/analysis/live.ts';
  import { openEvidence } from '@lockstep/shared/evidence/open.ts';
  import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
  const start = performance.now();
  using evidence = openEvidence(process.argv[1]);
  const decoder = new Decoder({ registryPrefix: evidence.facts.registryPrefix });
  let [values, objects, bytes] = [0, 0, 0];
  visitLive(evidence, {}, (row) => {
    values += 1;
    bytes += row.value.length;
    if (decoder.decode(row.value, { key: row.key, modRevision: row.main }).form === 'object') objects += 1;
  });
  console.log(JSON.stringify({ values, objects, bytes, ms: performance.now() - start }));
`;

interface Verdict {
  readonly holds: boolean;
  readonly text: string;
}

async function main(): Promise<number> {
  (process as { noDeprecation?: boolean }).noDeprecation = true;
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      sizes: { type: 'string', default: '400,2000' },
      etcd: { type: 'string', default: '3.6' },
      help: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  const sizes = values.sizes.split(',').map(Number);
  if (values.help || ![runs, ...sizes].every((count) => Number.isInteger(count) && count >= 1)) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : USAGE_ERROR;
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const scratch = await mkdtemp(join(tmpdir(), 'bench-inspect-'));
  try {
    const { snapshots, etcdutl } = await makeSnapshots(scratch, sizes, values.etcd, say);
    const verdicts: Verdict[] = [];
    const add = (verdict: Verdict): void => {
      verdicts.push(verdict);
      process.stdout.write(`${verdict.holds ? '✓' : '✗'} ${verdict.text}\n`);
    };
    for (const { sizeMb, before, after } of snapshots) {
      add(await showBesideStatus(etcdutl, `${sizeMb} MB`, before, runs));
      add(await decodeAll(`${sizeMb} MB`, before, runs));
      add(await diff(sizeMb, before, after, runs));
    }
    const largest = snapshots.at(-1);
    if (largest === undefined) throw new Error('no snapshot');
    for (const command of CAPPED) add(await capped(largest.sizeMb, [...command, largest.before]));
    add(await capped(largest.sizeMb, ['inspect', 'diff', largest.before, largest.after, '-o', 'json']));
    const { before, after } = largest;
    const report = ['inspect', 'report', after, '--baseline', before, '--out', join(scratch, 'report.html')];
    add(await capped(largest.sizeMb, report));
    return verdicts.every(({ holds }) => holds) ? 0 : 1;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Pair {
  readonly sizeMb: number;
  readonly before: string;
  readonly after: string;
}

/** The lab is gone before anything is timed. */
async function makeSnapshots(
  scratch: string,
  sizes: readonly number[],
  etcdVersion: string,
  say: (line: string) => void,
): Promise<{ readonly snapshots: readonly Pair[]; readonly etcdutl: string }> {
  await using grown = await GrownLab.up({ nodes: 1, etcdVersion, say });
  const { lab } = grown;
  const save = async (name: string): Promise<string> => {
    const path = join(scratch, name);
    const { exitCode, stderr } = await lab.etcdctl('cp1', ['snapshot', 'save', path], {
      timeoutMs: TIMEOUT_MS,
    });
    if (exitCode !== 0) throw new Error(stderr);
    return path;
  };
  const snapshots: Pair[] = [];
  for (const [index, size] of sizes.entries()) {
    say(`growing the store to ${size} MB`);
    await grown.growTo(size * MB);
    const before = await save(`${size}-before.db`);
    await grown.growTo(size * (1 + ADDED_SHARE) * MB);
    await grown.write(changedPods(grown.written(), `round-${index}`));
    snapshots.push({ sizeMb: size, before, after: await save(`${size}-after.db`) });
  }
  return { snapshots, etcdutl: lab.etcdTools.etcdutl };
}

function* changedPods(written: Iterable<Entry>, label: string): Generator<Entry> {
  let changed = 0;
  for (const { key, value } of written) {
    const envelope = sniff(value);
    if (envelope.form !== 'protobuf' || envelope.kind !== 'Pod') continue;
    const pod = Pod.decode(envelope.raw);
    if (pod.metadata === undefined) continue;
    pod.metadata.labels = { ...pod.metadata.labels, 'example.com/bench': label };
    yield { key, value: seal({ apiVersion: 'v1', kind: 'Pod', raw: Pod.encode(pod).finish() }) };
    changed += 1;
    if (changed === CHANGED_PODS) return;
  }
}

/** Each in turns, so that what else the machine does falls on both. */
async function showBesideStatus(etcdutl: string, size: string, path: string, runs: number): Promise<Verdict> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    ours.push((await lockstep(['snapshot', 'show', path])).ms);
    theirs.push((await timed(etcdutl, ['snapshot', 'status', path])).ms);
  }
  const ratio = median(ours) / median(theirs);
  const holds = ratio <= LIMITS.show;
  return {
    holds,
    text: `${size}: snapshot show ${seconds(median(ours))}, etcdutl snapshot status ${seconds(median(theirs))}: ${ratio.toFixed(2)} ${holds ? '<=' : '>'} ${LIMITS.show}`,
  };
}

async function decodeAll(size: string, path: string, runs: number): Promise<Verdict> {
  const rates: number[] = [];
  let told = '';
  for (let run = 0; run < runs; run += 1) {
    const { stdout } = await timed(process.execPath, ['--input-type=module', '-e', DECODE_ALL, path]);
    const { values, objects, bytes, ms } = JSON.parse(stdout) as Record<string, number>;
    if (values === undefined || values === 0 || objects !== values) throw new Error(`no objects: ${stdout}`);
    rates.push((bytes ?? 0) / MB / ((ms ?? 0) / 1000));
    told = `${values} objects, ${Math.round((bytes ?? 0) / MB)} MB`;
  }
  const rate = median(rates);
  const holds = rate >= LIMITS.decodeMbPerSecond;
  return {
    holds,
    text: `${size}: every object read and decoded (${told}): ${Math.round(rate)} ${holds ? '>=' : '<'} ${LIMITS.decodeMbPerSecond} MB/s`,
  };
}

async function diff(sizeMb: number, before: string, after: string, runs: number): Promise<Verdict> {
  const took: number[] = [];
  let told = '';
  for (let run = 0; run < runs; run += 1) {
    const { ms, stdout } = await lockstep(['inspect', 'diff', before, after], [EXIT_FINDINGS]);
    took.push(ms);
    told = stdout.trimEnd().split('\n').at(-1) ?? '';
  }
  // Of larger ones nothing is promised.
  const holds = sizeMb > LIMITS.diffUpToMb || median(took) <= LIMITS.diffMs;
  return { holds, text: `${sizeMb} MB: diff (${told}): ${seconds(median(took))}` };
}

async function capped(sizeMb: number, args: readonly string[]): Promise<Verdict> {
  const name = args.filter((arg) => !arg.includes('/')).join(' ');
  const cap = [`--max-old-space-size=${LIMITS.heapMb}`, '--import', TELL_PEAK];
  const start = performance.now();
  // Not kept here: a timeline of this size is more than a string can hold.
  const child = spawn(process.execPath, [...cap, COMMAND_LINE, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_KEPT_CHARACTERS);
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const ms = performance.now() - start;
  const peak = /^PEAK (\d+)$/m.exec(stderr)?.[1];
  const holds = (exitCode === 0 || exitCode === EXIT_FINDINGS) && peak !== undefined;
  return {
    holds,
    text: holds
      ? `${sizeMb} MB, heap capped at ${LIMITS.heapMb} MB: ${name}: ${seconds(ms)}, ${Math.round(Number(peak) / 1024)} MiB resident at most`
      : `${sizeMb} MB, heap capped at ${LIMITS.heapMb} MB: ${name}: ended with ${exitCode}: ${stderr.slice(-500)}`,
  };
}

const TELL_PEAK = `data:text/javascript,${encodeURIComponent(`
  import { isMainThread } from 'node:worker_threads';
  if (isMainThread) {
    process.on('exit', () => process.stderr.write('\\nPEAK ' + process.resourceUsage().maxRSS + '\\n'));
  }
`)}`;

async function lockstep(args: readonly string[], otherExits: readonly number[] = []) {
  return await timed(process.execPath, [COMMAND_LINE, ...args], otherExits);
}

async function timed(program: string, args: readonly string[], otherExits: readonly number[] = []) {
  const start = performance.now();
  const { exitCode, stdout, stderr } = await runProgram(program, args, { timeoutMs: TIMEOUT_MS });
  const ms = performance.now() - start;
  if (exitCode !== 0 && !otherExits.includes(exitCode)) throw new Error(stderr);
  return { ms, stdout };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
});
