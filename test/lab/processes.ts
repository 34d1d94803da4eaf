import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process for ever: a pid comes back, a pid with its start time does not. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string;
}

/** Every process of a lab inherits this variable; its value names the lab. */
export const LAB_VARIABLE = 'LOCKSTEP_LAB_ID';
/** Likewise inherited by everything that runs on one node. */
export const NODE_VARIABLE = 'LOCKSTEP_LAB_NODE';

const POLL_MS = 20;
/** A process that starts another while it is being ended is met in the next round. */
const MAX_ROUNDS = 50;

/** Undefined where there is no such process, or only its zombie. */
export function identify(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    const startTime = fields[19];
    if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
    return { pid, startTime };
  } catch {
    return undefined;
  }
}

export function isAlive(process: ProcessId): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}

/** Sends a signal to exactly this process, or, `group`, to the group that it leads. False where it is gone. */
export function signalProcess(target: ProcessId, signal: NodeJS.Signals, group = false): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(group ? -target.pid : target.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** All processes that a lab started, or those of one node of it, by what they inherited. */
export function processesOfLab(labId: string, node?: string): ProcessId[] {
  const markers = [`${LAB_VARIABLE}=${labId}`, ...(node === undefined ? [] : [`${NODE_VARIABLE}=${node}`])];
  const found: ProcessId[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const environment = readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0');
      if (!markers.every((marker) => environment.includes(marker))) continue;
    } catch {
      continue;
    }
    const identity = identify(Number(entry));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/**
 * SIGKILLs every process of the lab, or of one node of it, but this one, until none is left, those
 * included that others start meanwhile.
 */
export async function endLabProcesses(labId: string, node?: string): Promise<void> {
  const others = (): ProcessId[] => processesOfLab(labId, node).filter(({ pid }) => pid !== process.pid);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const left = others();
    if (left.length === 0) return;
    for (const target of left) signalProcess(target, 'SIGKILL');
    await delay(POLL_MS);
  }
  const pids = others().map(({ pid }) => pid);
  throw new Error(`processes of lab ${labId} do not end: ${pids.join(', ')}`);
}

export interface BackgroundOptions {
  readonly logFile: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Put before the command: a program that enters where it is to run and becomes it. */
  readonly enter?: readonly string[];
}

/** Starts a program that outlives this process, its output appended to a file. Rejects where it cannot be started. */
export async function startInBackground(
  program: string,
  args: readonly string[],
  { logFile, environment, enter = [] }: BackgroundOptions,
): Promise<ProcessId> {
  const log = openSync(logFile, 'a');
  try {
    const [first = program, ...words] = [...enter, program, ...args];
    const child = spawn(first, words, {
      detached: true,
      stdio: ['ignore', log, log],
      env: environment,
      cwd: '/',
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const pid = child.pid ?? 0;
    return identify(pid) ?? { pid, startTime: '' };
  } finally {
    closeSync(log);
  }
}

/** Resolves once the process is gone. */
export async function waitGone(target: ProcessId, signal: AbortSignal): Promise<void> {
  while (isAlive(target)) await delay(POLL_MS, undefined, { signal });
}
