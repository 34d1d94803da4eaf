import { parentPort } from 'node:worker_threads';
import { type Range, runRange } from './range.ts';

parentPort?.on('message', (range: Range) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  void runRange(range).then((totals) => parentPort?.postMessage(totals));
});
