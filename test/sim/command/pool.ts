import { Worker } from 'node:worker_threads';
import { runRange } from './range.ts';
import { addTotals, noTotals, type Totals } from './totals.ts';

/** Operations that one thread is given at once: under a second, so that an interruption is soon heard. */
const CHUNK = 20;

export interface PoolRequest {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly jobs: number;
  readonly keepGoing: boolean;
  /** Asked between chunks: true ends the run with what is done. */
  readonly isOver: (done: Totals) => boolean;
  /** What has been done, without a gap, from `from` up to `next`. */
  readonly onProgress: (done: Totals, next: number) => void;
}

export interface PoolResult {
  readonly totals: Totals;
  /** The first operation that is not in the totals. */
  readonly next: number;
}

/** Runs operations of one seed, by chunks, in order of their numbers as far as anyone can tell. */
export async function runPool(request: PoolRequest): Promise<PoolResult> {
  return request.jobs === 1 ? await runHere(request) : await runInThreads(request);
}

async function runHere({ seed, from, to, keepGoing, isOver, onProgress }: PoolRequest): Promise<PoolResult> {
  const totals = noTotals();
  const before = process.cpuUsage();
  let next = from;
  while (next < to && !isOver(totals)) {
    const end = Math.min(next + CHUNK, to);
    addTotals(totals, await runRange({ seed, from: next, to: end, keepGoing }));
    next = end;
    totals.cpuMs = cpuMsSince(before);
    onProgress(totals, next);
    // A signal is heard between macrotasks alone.
    await new Promise(setImmediate);
  }
  return { totals, next };
}

/** What ends out of order waits for the chunks before it, so that a slice has no gap. */
async function runInThreads(request: PoolRequest): Promise<PoolResult> {
  const { seed, from, to, jobs, keepGoing, isOver, onProgress } = request;
  const totals = noTotals();
  const before = process.cpuUsage();
  const early = new Map<number, Totals>();
  let given = from;
  let next = from;

  const collect = (start: number, done: Totals): void => {
    early.set(start, done);
    for (let ready = early.get(next); ready !== undefined; ready = early.get(next)) {
      early.delete(next);
      addTotals(totals, ready);
      next = Math.min(next + CHUNK, to);
      totals.cpuMs = cpuMsSince(before);
      onProgress(totals, next);
    }
  };
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./thread.ts', import.meta.url));
    const failed = new Promise<never>((_resolve, reject) => worker.once('error', reject));
    try {
      while (given < to && !isOver(totals)) {
        const start = given;
        given = Math.min(start + CHUNK, to);
        const answered = new Promise<Totals>((resolve) => worker.once('message', resolve));
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage({ seed, from: start, to: given, keepGoing });
        collect(start, await Promise.race([answered, failed]));
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return { totals, next };
}

/** Of all threads, the collector's too: what one core would have taken. */
function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
