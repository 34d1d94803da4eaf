import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Kept of what a command printed, for the message of its failure. */
const KEPT_OUTPUT_CHARACTERS = 4000;

/** Runs a program to its end and returns its standard output; rejects with the end of what it printed. */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions,
  signal: AbortSignal,
): Promise<string> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], signal });
  let stdout = '';
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    printed = (printed + text).slice(-KEPT_OUTPUT_CHARACTERS);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed = (printed + text).slice(-KEPT_OUTPUT_CHARACTERS);
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (exitCode !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}: ${printed.trim()}`);
  return stdout;
}

/** True where the program can be started at all. */
export async function isRunnable(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  return run(program, args, {}, signal).then(
    () => true,
    () => false,
  );
}
