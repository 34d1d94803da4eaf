import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Edge, parseTrace, TRACED } from './trace.ts';

/** Of each string; long enough for a unit's name, short enough for what a program writes. */
const STRING_BYTES = 96;
const ATTACH_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

const OPTIONS = [
  '-f',
  '-yy',
  '-qq',
  '-s',
  String(STRING_BYTES),
  '-e',
  `trace=${TRACED}`,
  '-e',
  'signal=none',
];

/** Runs a program to its end under strace. Rejects where it fails. */
export async function traceProgram(
  strace: string,
  command: readonly string[],
  output: string,
): Promise<Edge[]> {
  const child = spawn(strace, [...OPTIONS, '-o', output, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the traced program ended with ${code}: ${said}`);
  return parseTrace(readFileSync(output, 'utf8'));
}

export interface Tracing {
  /** Lets the process go on untraced. */
  detach(): Promise<void>;
  /** What it did, once it has been let go. */
  edges(): Edge[];
}

/** Watches a process that runs, all its threads and whatever it starts. Resolves once it is held. */
export async function traceProcess(strace: string, pid: number, output: string): Promise<Tracing> {
  const child = spawn(strace, [...OPTIONS, '-o', output, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(child, 'close');
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  for (const until = Date.now() + ATTACH_TIMEOUT_MS; !allTraced(pid); await delay(POLL_MS)) {
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`strace does not hold ${pid}: ${said}`);
  }
  return {
    async detach() {
      child.kill('SIGINT');
      await closed;
    },
    edges: () => parseTrace(readFileSync(output, 'utf8')),
  };
}

/** True where this machine lets one process trace another. */
export function mayTrace(): boolean {
  return process.getuid?.() === 0 || !existsSync('/proc/sys/kernel/yama/ptrace_scope');
}

function allTraced(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8');
    return !/^TracerPid:\s+0$/m.test(status);
  });
}

/** Every path below a directory: what a trace that begins now need not see made. */
export function pathsBelow(root: string): string[] {
  const found: string[] = [root];
  const visit = (directory: string): void => {
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      found.push(path);
      if (lstatSync(path).isDirectory()) visit(path);
    }
  };
  if (statSync(root).isDirectory()) visit(root);
  return found;
}
