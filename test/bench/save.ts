import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { receiveSnapshot } from '@lockstep/agent/snapshots/receive.ts';
import { fromFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { AgentServiceService } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { connect, serverStream } from '@lockstep/shared/transport/client.ts';
import { AGENT_PORT } from '../lab/network.ts';
import { runProgram } from '../lab/programs.ts';
import { GrownLab } from './snapshots/grown-lab.ts';
import { peakBytes, resetPeak } from './snapshots/peak-memory.ts';
import { median } from './verdict.ts';

const USAGE = `Usage: node test/bench/save.ts [--runs N] [--sizes MB,MB] [--etcd VERSION] [-o json]

How long a proven snapshot takes by Lockstep, over etcdctl snapshot save, etcdutl snapshot status and
sha256sum of the same member; and what the agent's memory peaks at.

  --runs N         of each contender, in turns (5)
  --sizes MB,MB    of the store, growing (20,400,2000)
  --etcd VERSION   3.5 or 3.5.16 (3.5)
  -o json          one JSON document on standard output; progress goes to standard error
`;
const USAGE_ERROR = 2;
const RUN_TIMEOUT_MS = 300_000;
const SILENCE_TIMEOUT_MS = 30_000;
const MB = 1_000_000;
const MIB = 1024 * 1024;
const LIMITS = { proven: 1.0, stream: 1.15, peakMib: 250, peakGrowthMib: 60 };

interface Round {
  readonly lockstepMs: number;
  readonly commandLineMs: number;
  readonly streamMs: number;
  readonly etcdctlMs: number;
  readonly statusMs: number;
  readonly sha256sumMs: number;
  readonly peakBytes: number;
}

interface SizeResult {
  readonly sizeBytes: number;
  readonly rounds: readonly Round[];
  /** `snapshot save` over the three of etcd's and coreutils'. */
  readonly proven: number;
  /** The same, with the start of our command line and the coordinator's choice of a node. */
  readonly commandLine: number;
  /** Our stream, digested and synced, over `etcdctl snapshot save`. */
  readonly stream: number;
  readonly peakBytes: number;
}

async function main(): Promise<number> {
  (process as { noDeprecation?: boolean }).noDeprecation = true;
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      sizes: { type: 'string', default: '20,400,2000' },
      etcd: { type: 'string', default: '3.5' },
      output: { type: 'string', short: 'o', default: 'text' },
      help: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  const sizes = values.sizes.split(',').map(Number);
  const isUsable = [runs, ...sizes].every((count) => Number.isInteger(count) && count >= 1);
  if (values.help || !isUsable || !['text', 'json'].includes(values.output)) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : USAGE_ERROR;
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  await using grown = await GrownLab.up({ nodes: 1, etcdVersion: values.etcd, say });
  const results: SizeResult[] = [];
  for (const size of sizes) {
    say(`growing the store to ${size} MB`);
    await grown.growTo(size * MB);
    results.push(await measureSize(grown, runs, say));
  }
  const verdicts = judge(results);
  process.stdout.write(
    values.output === 'json'
      ? `${JSON.stringify({ etcdVersion: grown.lab.etcdTools.version, results, verdicts })}\n`
      : `${[...results.map(inWords), ...verdicts.map(({ holds, text }) => `  ${holds ? '✓' : '✗'} ${text}`)].join('\n')}\n`,
  );
  return verdicts.every(({ holds }) => holds) ? 0 : 1;
}

async function measureSize(grown: GrownLab, runs: number, say: (line: string) => void): Promise<SizeResult> {
  const scratch = await mkdtemp(join(tmpdir(), 'bench-save-'));
  try {
    const rounds: Round[] = [];
    for (let run = 1; run <= runs; run += 1) {
      rounds.push(await oneRound(grown, scratch, run % 2 === 0));
      say(`run ${run} of ${runs}: ${JSON.stringify(rounds.at(-1))}`);
    }
    const theirs = median(rounds.map((each) => each.etcdctlMs + each.statusMs + each.sha256sumMs));
    const of = (figure: keyof Round): number => median(rounds.map((each) => each[figure]));
    return {
      sizeBytes: await grown.sizeBytes(),
      rounds,
      proven: of('lockstepMs') / theirs,
      commandLine: of('commandLineMs') / theirs,
      stream: of('streamMs') / of('etcdctlMs'),
      peakBytes: Math.max(...rounds.map((each) => each.peakBytes)),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Each once; every other round in the opposite order, so that nobody has the warmer caches. */
async function oneRound(grown: GrownLab, scratch: string, reversed: boolean): Promise<Round> {
  const figures: { -readonly [Figure in keyof Round]?: number } = {};
  const steps = [
    async () => Object.assign(figures, await theirs(grown, scratch)),
    async () => Object.assign(figures, await ours(grown)),
    async () => Object.assign(figures, { streamMs: await streamAlone(grown, scratch) }),
    async () => Object.assign(figures, { commandLineMs: await commandLine(grown) }),
  ];
  for (const step of reversed ? steps.reverse() : steps) await step();
  return figures as Round;
}

async function theirs(grown: GrownLab, scratch: string): Promise<Partial<Round>> {
  const { lab } = grown;
  const path = join(scratch, 'etcdctl.db');
  const etcdctlMs = await timed(async () =>
    succeed(await lab.etcdctl('cp1', ['snapshot', 'save', path], { timeoutMs: RUN_TIMEOUT_MS })),
  );
  const options = { timeoutMs: RUN_TIMEOUT_MS, env: { ...process.env, ETCDCTL_API: '3' } };
  const statusMs = await timed(async () =>
    succeed(await runProgram(lab.etcdTools.etcdutl, ['snapshot', 'status', path], options)),
  );
  const sha256sumMs = await timed(async () => succeed(await runProgram('sha256sum', [path], options)));
  await rm(path);
  return { etcdctlMs, statusMs, sha256sumMs };
}

async function ours(grown: GrownLab): Promise<Partial<Round>> {
  const { lab } = grown;
  const pid = await grown.agentPid();
  const tls = join(lab.directory, 'pki/coordinators/coordinator-1');
  const client = connect({
    address: `${lab.node('cp1').address}:${AGENT_PORT}`,
    tls: {
      caFile: join(tls, 'ca.crt'),
      certFile: join(tls, 'tls.crt'),
      keyFile: join(tls, 'tls.key'),
    },
    expected: { cluster: lab.clusterName, role: 'agent', name: 'cp1' },
  });
  try {
    const signal = AbortSignal.timeout(RUN_TIMEOUT_MS);
    resetPeak(pid);
    const lockstepMs = await timed(async () => {
      const request = { cluster: lab.clusterName, reason: 'a bench', offline: false };
      for await (const { event } of serverStream(client, AgentServiceService.saveSnapshot, request, signal)) {
        if (event?.$case === 'failure') throw fromFailure(event.value);
      }
    });
    return { lockstepMs, peakBytes: peakBytes(pid) };
  } finally {
    client.close();
    await forget(grown);
  }
}

async function commandLine(grown: GrownLab): Promise<number> {
  const ms = await timed(async () =>
    succeed(await grown.lab.lockstep(['snapshot', 'save', '-o', 'json'], { timeoutMs: RUN_TIMEOUT_MS })),
  );
  await forget(grown);
  return ms;
}

async function streamAlone(grown: GrownLab, scratch: string): Promise<number> {
  const path = join(scratch, 'stream.db');
  const signal = AbortSignal.timeout(RUN_TIMEOUT_MS);
  const endpoint = await grown.endpoint();
  const ms = await timed(async () => {
    using client = new EtcdClient(endpoint);
    const options = {
      silenceTimeoutMs: SILENCE_TIMEOUT_MS,
      ready: Promise.resolve(),
      progress: () => undefined,
    };
    await receiveSnapshot(
      (until) => client.snapshot(until),
      path,
      async () => undefined,
      options,
      signal,
    );
  });
  await rm(path);
  return ms;
}

/** What was saved: the disk of this machine is not a bench's to fill. */
async function forget({ lab }: GrownLab): Promise<void> {
  await rm(lab.node('cp1').path('/var/lib/lockstep/snapshots'), { recursive: true, force: true });
}

function judge(results: readonly SizeResult[]): { readonly text: string; readonly holds: boolean }[] {
  const atMost = (what: string, found: number, limit: number, digits = 2) => ({
    text: `${what}: ${found.toFixed(digits)} ${found <= limit ? '<=' : '>'} ${limit}`,
    holds: found <= limit,
  });
  const peaks = results.map((each) => each.peakBytes / MIB);
  const [first = 0] = peaks;
  return [
    ...results.flatMap((each) => [
      atMost(`${megabytes(each)}: proven, over etcd's tools and sha256sum`, each.proven, LIMITS.proven),
      atMost(`${megabytes(each)}: the stream alone, over etcdctl's`, each.stream, LIMITS.stream),
    ]),
    atMost("the agent's peak, MiB", Math.max(...peaks), LIMITS.peakMib, 0),
    atMost(
      "the peak's growth over the smallest store's, MiB",
      Math.max(...peaks) - first,
      LIMITS.peakGrowthMib,
      0,
    ),
  ];
}

function inWords(result: SizeResult): string {
  const of = (figure: keyof Round): string => seconds(median(result.rounds.map((each) => each[figure])));
  return [
    `${megabytes(result)}, medians of ${result.rounds.length}`,
    `  Lockstep           ${of('lockstepMs')}   by the command line ${of('commandLineMs')} (${result.commandLine.toFixed(2)})`,
    `  etcdctl save       ${of('etcdctlMs')}   etcdutl status ${of('statusMs')}   sha256sum ${of('sha256sumMs')}`,
    `  our stream alone   ${of('streamMs')}`,
    `  agent's peak       ${(result.peakBytes / MIB).toFixed(0)} MiB`,
    '',
  ].join('\n');
}

function megabytes({ sizeBytes }: SizeResult): string {
  return `${Math.round(sizeBytes / MB)} MB`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function succeed({ exitCode, stderr }: { readonly exitCode: number; readonly stderr: string }): void {
  if (exitCode !== 0) throw new Error(stderr);
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
});
