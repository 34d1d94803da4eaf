import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { deadline, waitFor } from '@lockstep/shared/waiting.ts';
import { CLIENT_SOCKET } from './analysis-store.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 100;
const LAST_WORDS_CHARACTERS = 2_000;
/** A copy that nobody else uses: nothing is to be refused for want of room. */
const FLAGS = ['--quota-backend-bytes=-1', '--log-level=error', '--logger=zap'];

/** A place of its owner's alone, taken away when disposed of. */
export class SandboxDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<SandboxDirectory> {
    return new SandboxDirectory(await mkdtemp(join(tmpdir(), 'lockstep-sandbox-')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** etcd as a child process, which answers on a socket file in its directory and on no port. */
export class SandboxServer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #kill: () => void;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    this.#kill = () => void child.kill('SIGKILL');
    // However this program ends, but for SIGKILL, its server does not stay.
    process.once('exit', this.#kill);
  }

  /** Throws BUILD_FAILED with etcd's last words. */
  static async start(
    program: string,
    args: readonly string[],
    directory: string,
    signal: AbortSignal,
  ): Promise<SandboxServer> {
    const logPath = join(directory, 'etcd.log');
    await using log = await open(logPath, 'a', 0o600);
    const child = spawn(program, [...args, ...FLAGS], {
      cwd: directory,
      env: { LC_ALL: 'C' },
      stdio: ['ignore', log.fd, log.fd],
    });
    const server = new SandboxServer(child);
    try {
      await server.#reach(deadline(START_TIMEOUT_MS, signal));
      return server;
    } catch (cause) {
      await server[Symbol.asyncDispose]();
      signal.throwIfAborted();
      const said = (await readFile(logPath, 'utf8').catch(() => '')).trim();
      throw new LockstepError('BUILD_FAILED', {
        message: `${program} does not answer on what was restored: ${said.slice(-LAST_WORDS_CHARACTERS)}`,
        cause,
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** For who stands in the sandbox's directory. */
  get endpoint(): string {
    return `unix://${CLIENT_SOCKET}`;
  }

  /** Until it ends by itself or the signal comes. */
  async ended(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = (): void => resolve();
    signal.addEventListener('abort', stop, { once: true });
    process.once('SIGTERM', stop);
    try {
      await Promise.race([this.#ended, promise]);
    } finally {
      signal.removeEventListener('abort', stop);
      process.off('SIGTERM', stop);
    }
  }

  async #reach(signal: AbortSignal): Promise<void> {
    // By the process's own directory: a socket's path may not be long.
    using client = new EtcdClient({ url: `unix:/proc/${this.pid}/cwd/${CLIENT_SOCKET}` });
    await waitFor(
      {
        describe: () => 'the etcd of the sandbox answers',
        check: async (within) => {
          if (this.#child.exitCode !== null || this.#child.pid === undefined) {
            throw new Error('it has ended');
          }
          return await client.members(within).then(
            () => true,
            () => false,
          );
        },
      },
      POLL_MS,
      signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#kill);
    const { exitCode, signalCode, pid } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const late = setTimeout(this.#kill, STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(late);
  }
}
