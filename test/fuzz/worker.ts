import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { readCorpus } from './corpus.ts';
import { judge, kindOf } from './judge.ts';
import { mutantOf } from './mutate.ts';
import { compareWithUtility } from './utility.ts';

/* Judges mutants one after another, and tells after each batch; whoever started it watches the counter. */

export interface WorkerTask {
  readonly runSeed: bigint;
  readonly from: number;
  readonly to: number;
  /** Every so many mutants the utility is asked as well; 0 for never. */
  readonly compareEvery: number;
  readonly etcdutl: string;
  /** A directory in memory. */
  readonly directory: string;
  /** The mutant at hand. */
  readonly counter: Int32Array;
}

export interface Batch {
  /** Mutants judged so far. */
  readonly next: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly compared: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly index: number; readonly why: string }[];
}

const BATCH = 500;

function run(task: WorkerTask): void {
  const corpus = readCorpus();
  const directory = mkdtempSync(join(task.directory, 'lockstep-fuzz-'));
  const path = join(directory, 'mutant.db');
  try {
    for (let from = task.from; from < task.to; from += BATCH) {
      const kinds: Record<string, number> = {};
      const compared: Record<string, number> = {};
      const failures: { index: number; why: string }[] = [];
      const to = Math.min(from + BATCH, task.to);
      for (let index = from; index < to; index++) {
        Atomics.store(task.counter, 0, index);
        const mutant = mutantOf(corpus, task.runSeed, index);
        const verdict = judge(mutant, path);
        count(kinds, kindOf(verdict));
        if (verdict.kind === 'failed') failures.push({ index, why: verdict.why });
        if (task.compareEvery !== 0 && index % task.compareEvery === 0) {
          const comparison = compareWithUtility(task.etcdutl, path, verdict);
          count(compared, comparison.kind);
          if (comparison.fault !== undefined) failures.push({ index, why: comparison.fault });
        }
      }
      const batch: Batch = { next: to, kinds, compared, failures };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
      parentPort?.postMessage(batch);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function count(tally: Record<string, number>, kind: string): void {
  tally[kind] = (tally[kind] ?? 0) + 1;
}

run(workerData as WorkerTask);
