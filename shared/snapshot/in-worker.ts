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
  /** At the lowest priority of processor and, with it, of the disk. */
  readonly background: boolean;
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
  background = false,
): Promise<Tasks[Name]['result']> {
  signal.throwIfAborted();
  if (await isSmall(request.path)) return await inSlices(tasks[name](request), signal);
  return await inWorker(name, request, signal, background);
}

async function isSmall(path: string): Promise<boolean> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw cannotOpen(path, cause);
  });
  return size < WORKER_FROM_BYTES;
}

/** One task in a worker of its own, which ends with it. Rejects as `runTask` does. */
export async function inWorker<Name extends TaskName>(
  name: Name,
  request: Tasks[Name]['request'],
  signal: AbortSignal,
  background = false,
): Promise<Tasks[Name]['result']> {
  signal.throwIfAborted();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    execArgv: [],
    resourceLimits: RESOURCE_LIMITS,
  });
  const { promise: reply, resolve, reject } = Promise.withResolvers<WorkerReply>();
  const abort = () => reject(signal.reason as Error);
  worker.once('message', resolve);
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
  signal.addEventListener('abort', abort, { once: true });
  try {
    const asked: WorkerRequest = { name, request, background };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
    worker.postMessage(asked);
    const answer = await reply;
    if ('failure' in answer) throw fromFailure(answer.failure);
    return answer.result as Tasks[Name]['result'];
  } finally {
    signal.removeEventListener('abort', abort);
    // In the middle of whatever it does.
    void worker.terminate();
  }
}
