import { readFileSync, writeFileSync } from 'node:fs';

/** From now on the process's peak counts anew. Root, or the process's own user, may ask for that. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The most memory that the process has held since, resident. */
export function peakBytes(pid: number): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (found === null) throw new Error(`no peak is known of process ${pid}`);
  return Number(found[1]) * 1024;
}
