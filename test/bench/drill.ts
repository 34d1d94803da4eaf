import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runProgram } from '../lab/programs.ts';
import { GrownLab } from './snapshots/grown-lab.ts';
import { peakBytes, resetPeak } from './snapshots/peak-memory.ts';

const USAGE = `Usage: node test/bench/drill.ts [--sizes MB,MB] [--etcd VERSION]

How long a drill takes through coordinator and agent, what of that is the restore and what etcdutl
takes for the same at normal priority; and what the agent and the programs of the drill hold in memory.

  --sizes MB,MB    of the store, growing (20,400)
  --etcd VERSION   3.5 or 3.5.16 (3.5)
`;
const TIMEOUT_MS = 900_000;
const LOOK_INTERVAL_MS = 100;
const MB = 1_000_000;
const MIB = 1024 * 1024;

async function main(): Promise<void> {
  (process as { noDeprecation?: boolean }).noDeprecation = true;
  const { values } = parseArgs({
    options: {
      sizes: { type: 'string', default: '20,400' },
      etcd: { type: 'string', default: '3.5' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  await using grown = await GrownLab.up({ nodes: 1, etcdVersion: values.etcd, say });
  for (const size of values.sizes.split(',').map(Number)) {
    say(`growing the store to ${size} MB`);
    await grown.growTo(size * MB);
    process.stdout.write(`${JSON.stringify(await measure(grown))}\n`);
  }
}

async function measure(grown: GrownLab): Promise<object> {
  const { lab } = grown;
  const lockstep = async (...args: string[]): Promise<Record<string, unknown>> => {
    const ended = await lab.lockstep([...args, '-o', 'json'], { timeoutMs: TIMEOUT_MS });
    if (ended.exitCode !== 0) throw new Error(ended.stdout + ended.stderr);
    return JSON.parse(ended.stdout) as Record<string, unknown>;
  };
  const { snapshot } = (await lockstep('snapshot', 'save')) as {
    snapshot: { card: { id: string }; path: string };
  };
  const { id } = snapshot.card;
  const path = lab.node('cp1').path(snapshot.path);
  const etcdutlMs = await restoreByHand(grown, path);
  const pid = await grown.agentPid();
  const beforeBytes = residentBytes(pid);
  resetPeak(pid);
  const over = new AbortController();
  const watched = programs(lab.node('cp1').path('/var/lib/lockstep/drills'), over.signal);
  const beganMs = performance.now();
  const { proof } = (await lockstep('drill', 'run', id)) as {
    proof: { level: string; tookMs: number; restoreMs: number };
  };
  const commandMs = performance.now() - beganMs;
  over.abort();
  return {
    sizeMb: Math.round((await grown.sizeBytes()) / MB),
    level: proof.level,
    commandMs: Math.round(commandMs),
    drillMs: proof.tookMs,
    restoreMs: proof.restoreMs,
    etcdutlMs: Math.round(etcdutlMs),
    agentBeforeMib: Math.round(beforeBytes / MIB),
    agentPeakMib: Math.round(peakBytes(pid) / MIB),
    programsPeakMib: Object.fromEntries(
      [...(await watched)].map(([name, bytes]) => [name, Math.round(bytes / MIB)]),
    ),
  };
}

/** What a restore takes with nobody's consideration. */
async function restoreByHand({ lab }: GrownLab, path: string): Promise<number> {
  const target = `${lab.directory}/by-hand`;
  const beganMs = performance.now();
  const args = ['snapshot', 'restore', path, '--data-dir', target];
  const ended = await runProgram(lab.etcdTools.etcdutl, args, { timeoutMs: TIMEOUT_MS });
  if (ended.exitCode !== 0) throw new Error(ended.stderr);
  const tookMs = performance.now() - beganMs;
  await runProgram('rm', ['-r', target], { timeoutMs: TIMEOUT_MS });
  return tookMs;
}

/** The peak of each program that works in the scratch of a drill, by its name, until the signal. */
async function programs(scratch: string, signal: AbortSignal): Promise<Map<string, number>> {
  const peaks = new Map<string, number>();
  while (!signal.aborted) {
    for (const pid of readdirSync('/proc').map(Number)) {
      if (!Number.isInteger(pid)) continue;
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        if (!words.some((word) => word.includes(`${scratch}/`))) continue;
        const name = (words[0] ?? '').split('/').at(-1) ?? '';
        peaks.set(name, Math.max(peaks.get(name) ?? 0, peakBytes(pid)));
      } catch {
        // It has ended.
      }
    }
    await delay(LOOK_INTERVAL_MS);
  }
  return peaks;
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

await main();
