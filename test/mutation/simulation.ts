import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { MUTATED_FILE_VARIABLE } from './mutated-file.ts';
import type { Verdict } from './verdict.ts';

/** Runs the simulator; its exit code says whether an invariant broke. */
export async function simulate(
  root: string,
  note: string,
  trial: string,
  timeoutMs: number,
): Promise<Verdict> {
  const child = spawn(process.execPath, trial.split(' '), {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      [MUTATED_FILE_VARIABLE]: note,
      NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${join(import.meta.dirname, 'loader.ts')}`,
    },
  });
  let said = '';
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-4000);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, timeoutMs);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  if (late) return { kind: 'timeout', by: 'it does not end' };
  return code === 0 ? { kind: 'survived' } : { kind: 'killed', by: brokenOf(said) };
}

/** The line that says which invariant broke. */
function brokenOf(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const telling =
    lines.find((line) => /^broken|Error/.test(line)) ?? lines.findLast((line) => line !== '') ?? '';
  return telling.slice(0, 160);
}
