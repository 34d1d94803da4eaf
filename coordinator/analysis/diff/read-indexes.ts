import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Selection } from '../live.ts';
import type { DigestIndex } from './digest-index.ts';

export interface IndexRequest {
  readonly path: string;
  readonly select: Selection;
}

export type IndexReply =
  | { readonly index: DigestIndex; readonly failure?: never }
  | { readonly failure: Failure; readonly index?: never };

/** What a reader holds lies outside the heap; what is left is short-lived, and collected often. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };

/** Reads files side by side, each in a worker of its own. Rejects as `openEvidence` throws. */
export async function readIndexes(requests: readonly IndexRequest[]): Promise<DigestIndex[]> {
  return await Promise.all(requests.map(readIndex));
}

async function readIndex(request: IndexRequest): Promise<DigestIndex> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    execArgv: [],
    resourceLimits: RESOURCE_LIMITS,
    workerData: request,
  });
  try {
    const [reply] = (await once(worker, 'message').catch((cause: unknown) => {
      throw new LockstepError('INTERNAL', { message: `The reader of ${request.path} stopped.`, cause });
    })) as [IndexReply];
    if (reply.failure !== undefined) throw fromFailure(reply.failure);
    return reply.index;
  } finally {
    await worker.terminate();
  }
}
