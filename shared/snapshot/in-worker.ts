import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { fromFailure, LockstepError } from '../errors/lockstep-error.ts';
import type { Failure } from '../generated/lockstep/v1/common.ts';
import { cannotOpen } from './bbolt/file.ts';
import { inSlices } from './steps.ts';
import { type TaskName, type Tasks, tasks } from './tasks.ts';

export interface WorkerRequest {
  readonly name: TaskName;
  readonly request: unknown;
}
export type WorkerReply = { readonly result: unknown } | { readonly failure: Failure };

/** Smaller files are read in place, slice by slice, in about the time that a worker takes to start. */
const WORKER_FROM_BYTES = 64 * 1024 * 1024;
/**
 * A reader keeps what it holds of a store in a few large arrays outside the heap; what is left is
 * short-lived, and collected often instead of held.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4 };

/**
 * Runs one task, on a large file beside the event loop: files are read and hashed synchronously,
 * for speed, and must not keep an agent from answering meanwhile. Rejects with the task's
 * LockstepError, or with the signal's reason, which also ends the worker.
 */
export async function runTask<Name extends TaskName>(
  name: Name,
  request: Tasks[Name]['request'],
  signal: AbortSignal,
): Promise<Tasks[Name]['result']> {
  signal.throwIfAborted();
  if (await isSmall(request.path)) return await inSlices(tasks[name](request), signal);
  using reader = new Reader();
  return await reader.run(name, request, signal);
}

async function isSmall(path: string): Promise<boolean> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw cannotOpen(path, cause);
  });
  return size < WORKER_FROM_BYTES;
}

/** Who reads one file after another. */
export interface TaskRunner extends Disposable {
  run: typeof runTask;
}

/** What reads files of about this size, ready before they are; for small ones it takes no worker. */
export function readerFor(sizeBytes: number): TaskRunner {
  if (sizeBytes >= WORKER_FROM_BYTES) return new Reader();
  return { run: runTask, [Symbol.dispose]: () => undefined };
}

/** A worker that is started before there is anything to read, so that the reading need not wait for it. */
export class Reader implements TaskRunner {
  readonly #worker: Worker;
  /** Settles, by rejection, when the worker ends. */
  readonly #ended: Promise<never>;

  constructor() {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      execArgv: [],
      resourceLimits: RESOURCE_LIMITS,
    });
    this.#worker = worker;
    const { promise, reject } = Promise.withResolvers<never>();
    worker.once('error', (cause) => {
      reject(
        new LockstepError('INTERNAL', { message: `The snapshot reader stopped: ${cause.message}`, cause }),
      );
    });
    worker.once('exit', (code) => {
      reject(
        new LockstepError('INTERNAL', { message: `The snapshot reader ended with ${code} and no answer.` }),
      );
    });
    // Nobody may be waiting when it is ended.
    promise.catch(() => undefined);
    this.#ended = promise;
  }

  /** One task at a time. Rejects with the task's LockstepError, or with the signal's reason, which ends the worker. */
  async run<Name extends TaskName>(
    name: Name,
    request: Tasks[Name]['request'],
    signal: AbortSignal,
  ): Promise<Tasks[Name]['result']> {
    signal.throwIfAborted();
    const { promise: reply, resolve, reject } = Promise.withResolvers<WorkerReply>();
    const abort = () => {
      reject(signal.reason as Error);
      this[Symbol.dispose]();
    };
    this.#worker.once('message', resolve);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const asked: WorkerRequest = { name, request };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
      this.#worker.postMessage(asked);
      const answer = await Promise.race([reply, this.#ended]);
      if ('failure' in answer) throw fromFailure(answer.failure);
      return answer.result as Tasks[Name]['result'];
    } finally {
      signal.removeEventListener('abort', abort);
      this.#worker.off('message', resolve);
    }
  }

  /** Ends the worker, in the middle of whatever it does. */
  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}
