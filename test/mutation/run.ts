import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';
import type { MutatedFile } from './mutated-file.ts';
import type { Result, StageName } from './results.ts';
import type { Stage } from './stages.ts';
import type { Verdict } from './test-runner.ts';

/** A trial that takes this much longer than without a mutant hangs. */
const TIMES_SLOWER = 4;
const SLOWER_MS = 5_000;
const UNMUTATED_TIMEOUT_MS = 600_000;

/** Puts mutants through the stages, one at a time, cheapest first. */
export class MutationRun {
  readonly #root: string;
  readonly #note: string;
  readonly #stages: readonly Stage[];
  /** Of trials without a mutant; undefined for one that fails by itself and so says nothing. */
  readonly #durations = new Map<string, number | undefined>();

  constructor(root: string, note: string, stages: readonly Stage[]) {
    this.#root = root;
    this.#note = note;
    this.#stages = stages;
    writeFileSync(note, '');
  }

  async try(mutant: Mutant): Promise<Result> {
    const stages: StageName[] = [];
    for (const stage of this.#stages) {
      for (const trial of stage.trialsFor(mutant.file)) {
        const usualMs = await this.#usualMs(stage, trial);
        if (usualMs === undefined) continue;
        if (!stages.includes(stage.name)) stages.push(stage.name);
        const verdict = await this.#tried(stage, trial, mutant, usualMs);
        const found = { id: mutant.id, file: mutant.file, stage: stage.name, stages };
        if (verdict.kind === 'killed') return { ...found, outcome: 'killed', by: `${trial}: ${verdict.by}` };
        if (verdict.kind === 'timeout') return { ...found, outcome: 'timeout', by: trial };
      }
    }
    const { id, file } = mutant;
    return { id, file, outcome: 'survived', stage: stages.at(-1) ?? 'unit', by: '', stages };
  }

  /** A mutant has hung only where the unmutated trial, right after it, is far from the limit. */
  async #tried(stage: Stage, trial: string, mutant: Mutant, usualMs: number): Promise<Verdict> {
    const path = join(this.#root, mutant.file);
    for (let limitMs = limitOf(usualMs); ; ) {
      writeFileSync(this.#note, JSON.stringify({ path, text: mutant.text } satisfies MutatedFile));
      const verdict = await stage.run(trial, limitMs);
      writeFileSync(this.#note, '');
      if (verdict.kind !== 'timeout') return verdict;
      this.#durations.delete(keyOf(stage, trial));
      const nowMs = await this.#usualMs(stage, trial);
      if (nowMs === undefined || limitOf(nowMs) <= limitMs) return verdict;
      limitMs = limitOf(nowMs);
    }
  }

  async #usualMs(stage: Stage, trial: string): Promise<number | undefined> {
    const key = keyOf(stage, trial);
    if (this.#durations.has(key)) return this.#durations.get(key);
    // Once to load everything, once to measure.
    let usualMs: number | undefined;
    for (let round = 0; round < 2; round += 1) {
      const startedMs = performance.now();
      const verdict = await stage.run(trial, UNMUTATED_TIMEOUT_MS);
      usualMs = performance.now() - startedMs;
      if (verdict.kind === 'survived') continue;
      process.stderr.write(
        `${trial} fails without a mutant, so it says nothing: ${JSON.stringify(verdict)}\n`,
      );
      usualMs = undefined;
      break;
    }
    this.#durations.set(key, usualMs);
    return usualMs;
  }
}

function keyOf(stage: Stage, trial: string): string {
  return `${stage.name} ${trial}`;
}

function limitOf(usualMs: number): number {
  return usualMs * TIMES_SLOWER + SLOWER_MS;
}
