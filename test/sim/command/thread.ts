import { parentPort } from 'node:worker_threads';
import { type Range, runRange } from './range.ts';

parentPort?.on('message', (range: Range) => {
  void runRange(range).then((totals) => parentPort?.postMessage(totals));
});
