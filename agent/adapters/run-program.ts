import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** More than any program that the agent calls has to say. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Programs are parsed, so they speak one language; nothing else of the agent's environment reaches them. */
const ENVIRONMENT = { LC_ALL: 'C', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/** How a program ended otherwise than with exit code 0, with what it said. */
export class ProgramError extends Error {
  readonly exitCode: number | undefined;
  readonly output: string;

  constructor(program: string, exitCode: number | undefined, output: string, cause: unknown) {
    super(
      `${program} ${exitCode === undefined ? 'did not end by itself' : `ended with ${exitCode}`}: ${output}`,
      {
        cause,
      },
    );
    this.name = 'ProgramError';
    this.exitCode = exitCode;
    this.output = output;
  }
}

/**
 * Runs a program directly, without a shell; resolves to its standard output. It is killed when the
 * signal comes. Throws ProgramError.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  try {
    const { stdout } = await execute(program, [...args], {
      signal,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      env: ENVIRONMENT,
      cwd: '/',
    });
    return stdout;
  } catch (thrown) {
    throw new ProgramError(program, exitCodeOf(thrown), lastWords(thrown), thrown);
  }
}

function exitCodeOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'number' ? thrown.code : undefined;
}

/** What a person needs of a program's words: the end. */
const LAST_WORDS_CHARACTERS = 2_000;

function lastWords(thrown: unknown): string {
  const said = ['stderr', 'stdout'].map((name) => stringField(thrown, name).trim()).filter(Boolean);
  return (said.join(' | ') || String(thrown)).slice(-LAST_WORDS_CHARACTERS);
}

function stringField(thrown: unknown, name: string): string {
  if (typeof thrown !== 'object' || thrown === null) return '';
  const value: unknown = Reflect.get(thrown, name);
  return typeof value === 'string' ? value : '';
}
