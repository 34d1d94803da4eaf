import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { fromFailure, LockstepError } from '../errors/lockstep-error.ts';
import type { Failure } from '../generated/lockstep/v1/common.ts';
import { cannotOpen } from './bbolt/file.ts';
import { type TaskName, type Tasks, tasks } from './tasks.ts';

export interface WorkerRequest {
  readonly name: TaskName;
  readonly request: unknown;
}
export type WorkerReply = { readonly result: unknown } | { readonly failure: Failure };

/** Smaller files are read at once, in less time than a worker takes to start. */
const WORKER_FROM_BYTES = 4 * 1024 * 1024;

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
  const { path } = request;
  const { size } = await stat(path).catch((cause: unknown) => {
    throw cannotOpen(path, cause);
  });
  if (size < WORKER_FROM_BYTES) return tasks[name](request);
  return await inWorker(name, request, signal);
}

function inWorker<Name extends TaskName>(
  name: Name,
  request: Tasks[Name]['request'],
  signal: AbortSignal,
): Promise<Tasks[Name]['result']> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const workerData: WorkerRequest = { name, request };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, execArgv: [] });
    const abort = () => {
      reject(signal.reason as Error);
      void worker.terminate();
    };
    signal.addEventListener('abort', abort, { once: true });
    worker.once('message', (reply: WorkerReply) => {
      if ('failure' in reply) reject(fromFailure(reply.failure));
      else resolve(reply.result as Tasks[Name]['result']);
    });
    worker.once('error', (cause) => {
      reject(
        new LockstepError('INTERNAL', { message: `The snapshot reader stopped: ${cause.message}`, cause }),
      );
    });
    worker.once('exit', (code) => {
      signal.removeEventListener('abort', abort);
      // After an answer this rejects nothing any more.
      reject(
        new LockstepError('INTERNAL', {
          message: `The snapshot reader ended with ${code} and no answer.`,
        }),
      );
    });
  });
}
