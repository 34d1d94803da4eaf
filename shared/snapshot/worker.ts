import { parentPort, workerData } from 'node:worker_threads';
import { toFailure } from '../errors/lockstep-error.ts';
import { collectFacts } from './collect-facts.ts';
import type { TaskName, Tasks, WorkerReply, WorkerRequest } from './in-worker.ts';
import { liveIndex } from './live-index.ts';
import { digestFile } from './trailer.ts';

/* The worker's side of `in-worker.ts`: one task, one answer, the end. */

const tasks: { [Name in TaskName]: (request: Tasks[Name]['request']) => Tasks[Name]['result'] } = {
  digest: ({ path }) => digestFile(path),
  facts: ({ path, options }) => collectFacts(path, options),
  liveIndex: ({ path, registryPrefix }) => liveIndex(path, registryPrefix),
};

function answer({ name, request }: WorkerRequest): WorkerReply {
  try {
    // The request's type belongs to its name; TypeScript does not follow that through an index.
    return { result: (tasks[name] as (request: unknown) => unknown)(request) };
  } catch (thrown) {
    return { failure: toFailure(thrown) };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
parentPort?.postMessage(answer(workerData as WorkerRequest));
