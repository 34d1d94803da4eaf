import { spawn } from 'node:child_process';

/** How a program of the lab ended. */
export interface Ended {
  /** 128 and the signal's number where a signal ended it, as shells have it; -1 where it could not be started. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** SIGKILL after that long. */
  readonly timeoutMs?: number;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const KILLED = 137;

/** Runs a program to its end and never rejects for how it ended. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const child = spawn(program, args, {
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: -1, stdout, stderr: `${stderr}${error.message}\n` }));
    child.once('close', (code) => resolve({ exitCode: code ?? KILLED, stdout, stderr }));
  });
}
