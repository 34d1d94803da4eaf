import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { toFailure } from '../errors/lockstep-error.ts';
import type { WorkerReply, WorkerRequest } from './in-worker.ts';
import { finish, type Steps } from './steps.ts';
import { tasks } from './tasks.ts';

/* The worker's side of `in-worker.ts`: an answer to its task. */

function answer({ name, request }: WorkerRequest): WorkerReply {
  try {
    // The request's type belongs to its name; TypeScript does not follow that across threads.
    return { result: finish((tasks[name] as (request: unknown) => Steps<unknown>)(request)) };
  } catch (thrown) {
    return { failure: toFailure(thrown) };
  }
}

parentPort?.once('message', (asked: WorkerRequest) => {
  // On Linux that is this thread's alone.
  if (asked.background) setPriority(constants.priority.PRIORITY_LOW);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  parentPort?.postMessage(answer(asked));
});
