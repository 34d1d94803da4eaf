import { parentPort, workerData } from 'node:worker_threads';
import { toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { digestIndex } from './digest-index.ts';
import type { IndexReply, IndexRequest } from './read-indexes.ts';

/* The worker's side of `read-indexes.ts`: one file, one answer. */

function answer({ path, select }: IndexRequest): IndexReply {
  try {
    using evidence = openEvidence(path);
    return { index: digestIndex(evidence, select) };
  } catch (thrown) {
    const failure = toFailure(thrown);
    const { message } = failure;
    return { failure: { ...failure, message: message.includes(path) ? message : `${path}: ${message}` } };
  }
}

const reply = answer(workerData as IndexRequest);
const { index } = reply;
parentPort?.postMessage(
  reply,
  index === undefined
    ? []
    : [index.keys, index.keyEnds, index.mains, index.subs, index.digests].map(
        (column) => column.buffer as ArrayBuffer,
      ),
);
