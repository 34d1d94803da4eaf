import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';

const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 100;
const LAST_WORDS_CHARACTERS = 2_000;

export interface ProcessRequest {
  /** "etcd": its log is `etcd.log` in the directory. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** It is started in it, so that sockets can be named by short, relative paths. */
  readonly directory: string;
  readonly startTimeoutMs: number;
  /** What it is told to end with. */
  readonly stopSignal: 'SIGTERM' | 'SIGKILL';
  /** Whether it serves; asked again until it does. */
  readonly serves: (pid: number, signal: AbortSignal) => Promise<boolean>;
  /** Of the error where it does not start, or ends by itself. */
  readonly failure: ErrorCode;
}

/** A server as a child process, which ends with this one. */
export class SandboxProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #request: ProcessRequest;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #kill: () => void;

  private constructor(child: ChildProcess, request: ProcessRequest) {
    this.#child = child;
    this.#request = request;
    this.pid = child.pid ?? 0;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    this.#kill = () => void child.kill('SIGKILL');
    // However this program ends, but for SIGKILL, its server does not stay.
    process.once('exit', this.#kill);
  }

  /** Resolves when it serves. Throws `failure` with its last words, and leaves nothing running. */
  static async start(request: ProcessRequest, signal: AbortSignal): Promise<SandboxProcess> {
    await using log = await open(logPath(request), 'a', 0o600);
    const child = spawn(request.program, [...request.args], {
      cwd: request.directory,
      env: { LC_ALL: 'C' },
      stdio: ['ignore', log.fd, log.fd],
      // Ctrl-C on a terminal goes to its whole group; what ends when is decided here.
      detached: true,
    });
    const started = new SandboxProcess(child, request);
    try {
      await started.#reach(deadline(request.startTimeoutMs, signal));
      return started;
    } catch (cause) {
      await started[Symbol.asyncDispose]();
      signal.throwIfAborted();
      throw await started.#failure('does not answer', cause);
    }
  }

  /** Throws `failure` with its last words when it ends by itself; never resolves. */
  async untilEnded(): Promise<never> {
    await this.#ended;
    throw await this.#failure('has ended by itself', undefined);
  }

  async #reach(signal: AbortSignal): Promise<void> {
    await waitFor(
      {
        describe: () => `the ${this.#request.name} of the sandbox serves`,
        check: async (within) => {
          if (this.#hasEnded() || this.pid === 0) throw new Error('it has ended');
          return await this.#request.serves(this.pid, within);
        },
      },
      POLL_MS,
      signal,
    );
  }

  async #failure(what: string, cause: unknown): Promise<LockstepError> {
    const said = (await readFile(logPath(this.#request), 'utf8').catch(() => '')).trim();
    return new LockstepError(this.#request.failure, {
      message: `${this.#request.program} ${what} on what was restored: ${said.slice(-LAST_WORDS_CHARACTERS)}`,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#kill);
    if (this.pid === 0 || this.#hasEnded()) return;
    this.#child.kill(this.#request.stopSignal);
    const late = setTimeout(this.#kill, STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(late);
  }
}

function logPath({ directory, name }: ProcessRequest): string {
  return join(directory, `${name}.log`);
}
