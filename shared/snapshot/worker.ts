import { parentPort, workerData } from 'node:worker_threads';
import { toFailure } from '../errors/lockstep-error.ts';
import type { WorkerReply, WorkerRequest } from './in-worker.ts';
import { tasks } from './tasks.ts';

/* The worker's side of `in-worker.ts`: one task, one answer, the end. */

function answer({ name, request }: WorkerRequest): WorkerReply {
  try {
    // The request's type belongs to its name; TypeScript does not follow that across threads.
    return { result: (tasks[name] as (request: unknown) => unknown)(request) };
  } catch (thrown) {
    return { failure: toFailure(thrown) };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
parentPort?.postMessage(answer(workerData as WorkerRequest));
