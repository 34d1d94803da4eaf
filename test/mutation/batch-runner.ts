import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { BatchAnswer, BatchRequest } from './batch-worker.ts';

const START_TIMEOUT_MS = 180_000;
/** A worker's modules are never given back; after this many mutants another one takes its place. */
const MUTANTS_PER_WORKER = 400;

/** Keeps a worker, and ends it where it does not answer. */
export class BatchRunner implements AsyncDisposable {
  #worker: ChildProcess | undefined;
  #mutants = 0;

  /** Undefined: no answer by then, or the process ended. */
  async run(request: BatchRequest, timeoutMs: number): Promise<BatchAnswer | undefined> {
    if (this.#mutants > MUTANTS_PER_WORKER) this.#end();
    this.#mutants += Object.keys(request.texts).length;
    const worker = this.#worker ?? (await this.#start());
    worker.send(request);
    const answer = await answerOf(worker, timeoutMs);
    if (answer === undefined) this.#end();
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  async #start(): Promise<ChildProcess> {
    const worker = fork(join(import.meta.dirname, 'batch-worker.ts'), {
      // A group of its own: the pool that it has started ends with it.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: ['--disable-warning=DEP0123', '--disable-warning=ExperimentalWarning'],
    });
    this.#worker = worker;
    if ((await answerOf(worker, START_TIMEOUT_MS))?.kind === 'ready') return worker;
    this.#end();
    throw new Error('vitest did not start');
  }

  #end(): void {
    const pid = this.#worker?.pid;
    this.#worker = undefined;
    this.#mutants = 0;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

function answerOf(worker: ChildProcess, timeoutMs: number): Promise<BatchAnswer | undefined> {
  return new Promise((resolve) => {
    const done = (answer: BatchAnswer | undefined): void => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      resolve(answer);
    };
    const onMessage = (answer: unknown): void => done(answer as BatchAnswer);
    const onExit = (): void => done(undefined);
    const timer = setTimeout(() => done(undefined), timeoutMs);
    worker.on('message', onMessage);
    worker.on('exit', onExit);
  });
}
