import { Worker } from 'node:worker_threads';
import { fromFailure, LockstepError } from '../errors/lockstep-error.ts';
import type { Failure } from '../generated/lockstep/v1/common.ts';
import type { CollectOptions, StoreFacts } from './collect-facts.ts';
import type { LiveIndex } from './live-index.ts';
import type { FileDigests } from './trailer.ts';

/** What a worker can be asked; each is a synchronous reading of a whole file. */
export interface Tasks {
  readonly digest: { readonly request: { path: string }; readonly result: FileDigests };
  readonly facts: {
    readonly request: { path: string; options: CollectOptions };
    readonly result: StoreFacts;
  };
  readonly liveIndex: {
    readonly request: { path: string; registryPrefix: string };
    readonly result: LiveIndex;
  };
}

export type TaskName = keyof Tasks;
export type WorkerRequest = { [Name in TaskName]: { name: Name; request: Tasks[Name]['request'] } }[TaskName];
export type WorkerReply = { readonly result: unknown } | { readonly failure: Failure };

/**
 * Runs one task beside the event loop: large files are read and hashed synchronously, for speed,
 * and must not keep an agent from answering meanwhile. Rejects with the task's LockstepError, or
 * with the signal's reason, which also ends the worker.
 */
export function inWorker<Name extends TaskName>(
  name: Name,
  request: Tasks[Name]['request'],
  signal: AbortSignal,
): Promise<Tasks[Name]['result']> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const workerData = { name, request } as WorkerRequest;
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
        new LockstepError('INTERNAL', { message: `The snapshot reader ended with ${code} and no answer.` }),
      );
    });
  });
}
