import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process for ever: a pid comes back, a pid with its start time does not. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string;
}

/** Every process of a lab inherits this variable; its value names the lab. */
export const LAB_VARIABLE = 'LOCKSTEP_LAB_ID';

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

/** All processes that a lab started, by what they inherited. */
export function processesOfLab(labId: string): ProcessId[] {
  const marker = `${LAB_VARIABLE}=${labId}`;
  const found: ProcessId[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const environment = readFileSync(`/proc/${entry}/environ`, 'latin1');
      if (!environment.split('\0').includes(marker)) continue;
    } catch {
      continue;
    }
    const identity = identify(Number(entry));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** SIGKILLs every process of the lab but this one, until none is left, also those that others start meanwhile. */
export async function endLabProcesses(labId: string): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const left = processesOfLab(labId).filter(({ pid }) => pid !== process.pid);
    if (left.length === 0) return;
    for (const target of left) signalProcess(target, 'SIGKILL');
    await delay(POLL_MS);
  }
  throw new Error(
    `processes of lab ${labId} do not end: ${processesOfLab(labId)
      .map(({ pid }) => pid)
      .join(', ')}`,
  );
}

/** Resolves once the process is gone. */
export async function waitGone(target: ProcessId, signal: AbortSignal): Promise<void> {
  while (isAlive(target)) await delay(POLL_MS, undefined, { signal });
}
