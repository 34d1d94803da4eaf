import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchRunner } from './batch-runner.ts';
import type { BatchAnswer } from './batch-worker.ts';
import { loadedBy } from './imports.ts';
import type { Mutant } from './mutant.ts';
import type { MutatedFile } from './mutated-file.ts';
import type { StageName } from './results.ts';
import { realTestsOf, unitTests, unitTestsOf } from './scope.ts';
import { simulate } from './simulation.ts';
import { TestRunner } from './test-runner.ts';
import { limitOf, type Verdict } from './verdict.ts';

/** A way to notice mutants. */
export interface Stage extends AsyncDisposable {
  readonly name: StageName;
  /** Tries mutants of one file and tells of each what became of it; nothing where it has no trial for the file. */
  tryAll(
    file: string,
    mutants: readonly Mutant[],
    tell: (mutant: Mutant, verdict: Verdict) => void,
  ): Promise<void>;
}

const UNMUTATED_TIMEOUT_MS = 600_000;
/** Mutants of one batch: as many as take about this long. */
const BATCH_MS = 20_000;
const MAX_BATCH = 50;

/** Unit tests, many mutants at once. */
export class UnitStage implements Stage {
  readonly name = 'unit';
  readonly #root: string;
  readonly #runner = new BatchRunner();
  readonly #known = new Map<string, string[]>();
  readonly #loaded: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(root: string) {
    this.#root = root;
    this.#loaded = new Map(unitTests(root).map((test) => [test, loadedBy(root, test, this.#known)]));
  }

  async tryAll(
    file: string,
    mutants: readonly Mutant[],
    tell: (mutant: Mutant, verdict: Verdict) => void,
  ): Promise<void> {
    let left = [...mutants];
    let tried = false;
    for (const test of unitTestsOf(file, this.#loaded)) {
      if (left.length === 0) return;
      const usualMs = await this.#usualMs(test, file);
      if (usualMs === undefined) continue;
      tried = true;
      const survivors: Mutant[] = [];
      const size = Math.max(1, Math.min(MAX_BATCH, Math.floor(BATCH_MS / usualMs)));
      for (let at = 0; at < left.length; at += size) {
        const verdicts = await this.#batch(test, file, left.slice(at, at + size), usualMs);
        for (const [mutant, verdict] of verdicts) {
          if (verdict.kind === 'survived') survivors.push(mutant);
          else tell(mutant, { ...verdict, by: `${test}: ${verdict.by}` });
        }
      }
      left = survivors;
    }
    if (tried) for (const mutant of left) tell(mutant, { kind: 'survived' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner[Symbol.asyncDispose]();
  }

  async #batch(
    test: string,
    file: string,
    mutants: readonly Mutant[],
    usualMs: number,
  ): Promise<[Mutant, Verdict][]> {
    const answer = await this.#ask(test, file, mutants, limitOf(usualMs * mutants.length));
    if (answer?.kind === 'ran') {
      return mutants.map((mutant) => {
        const by = answer.failed[mutant.id] ?? null;
        return [
          mutant,
          by === null ? { kind: 'survived' } : { kind: /timed out in/.test(by) ? 'timeout' : 'killed', by },
        ];
      });
    }
    const [only] = mutants;
    if (mutants.length === 1 && only !== undefined) {
      if (answer?.kind === 'broken') return [[only, { kind: 'killed', by: answer.why.slice(0, 100) }]];
      // Hung only where the unmutated test, right after it, is far from the limit.
      const nowMs = await this.#usualMs(test, file);
      if (nowMs !== undefined && limitOf(nowMs) > limitOf(usualMs) * 2)
        return this.#batch(test, file, mutants, nowMs);
      return [[only, { kind: 'timeout', by: 'it does not end' }]];
    }
    // One of them hangs, or took the process with it: each by itself.
    const verdicts: [Mutant, Verdict][] = [];
    for (const mutant of mutants) verdicts.push(...(await this.#batch(test, file, [mutant], usualMs)));
    return verdicts;
  }

  /** Without a mutant; undefined where the test fails by itself, and so says nothing. */
  async #usualMs(test: string, file: string): Promise<number | undefined> {
    const startedMs = performance.now();
    const answer = await this.#ask(test, file, [], UNMUTATED_TIMEOUT_MS);
    if (answer?.kind === 'ran' && Object.values(answer.failed).every((by) => by === null)) {
      return performance.now() - startedMs;
    }
    process.stderr.write(`${test} fails without a mutant, so it says nothing: ${JSON.stringify(answer)}\n`);
    return undefined;
  }

  #ask(
    test: string,
    file: string,
    mutants: readonly Mutant[],
    timeoutMs: number,
  ): Promise<BatchAnswer | undefined> {
    const fresh = [...(this.#loaded.get(test) ?? [])].filter((each) =>
      loadedBy(this.#root, each, this.#known).has(file),
    );
    return this.#runner.run(
      {
        test: join(this.#root, test),
        fresh: fresh.map((each) => join(this.#root, each)),
        source: join(this.#root, file),
        texts: Object.fromEntries(mutants.map(({ id, text }) => [id, text])),
      },
      timeoutMs,
    );
  }
}

/** One mutant at a time, in processes that read the mutated file in place of the real one. */
abstract class OneByOne implements Stage {
  abstract readonly name: StageName;
  protected readonly root: string;
  /** Names the mutated file; empty: none. */
  protected readonly note: string;
  readonly #durations = new Map<string, number | undefined>();

  constructor(root: string, note: string) {
    this.root = root;
    this.note = note;
    writeFileSync(note, '');
  }

  protected abstract trialsFor(file: string): readonly string[];
  protected abstract run(trial: string, timeoutMs: number): Promise<Verdict>;
  abstract [Symbol.asyncDispose](): Promise<void>;

  async tryAll(
    file: string,
    mutants: readonly Mutant[],
    tell: (mutant: Mutant, verdict: Verdict) => void,
  ): Promise<void> {
    for (const mutant of mutants) {
      const verdict = await this.#try(file, mutant);
      if (verdict !== undefined) tell(mutant, verdict);
    }
  }

  async #try(file: string, mutant: Mutant): Promise<Verdict | undefined> {
    let last: Verdict | undefined;
    for (const trial of this.trialsFor(file)) {
      const usualMs = await this.#usualMs(trial);
      if (usualMs === undefined) continue;
      last = await this.#against(trial, mutant, usualMs);
      if (last.kind !== 'survived') return { ...last, by: `${trial}: ${last.by}` };
    }
    return last;
  }

  /** A mutant has hung only where the unmutated trial, right after it, is far from the limit. */
  async #against(trial: string, mutant: Mutant, usualMs: number): Promise<Verdict> {
    const path = join(this.root, mutant.file);
    for (let limitMs = limitOf(usualMs); ; ) {
      writeFileSync(this.note, JSON.stringify({ path, text: mutant.text } satisfies MutatedFile));
      const verdict = await this.run(trial, limitMs);
      writeFileSync(this.note, '');
      if (verdict.kind !== 'timeout') return verdict;
      this.#durations.delete(trial);
      const nowMs = await this.#usualMs(trial);
      if (nowMs === undefined || limitOf(nowMs) <= limitMs) return verdict;
      limitMs = limitOf(nowMs);
    }
  }

  async #usualMs(trial: string): Promise<number | undefined> {
    if (this.#durations.has(trial)) return this.#durations.get(trial);
    const startedMs = performance.now();
    const verdict = await this.run(trial, UNMUTATED_TIMEOUT_MS);
    const usualMs = verdict.kind === 'survived' ? performance.now() - startedMs : undefined;
    if (usualMs === undefined) {
      process.stderr.write(
        `${trial} fails without a mutant, so it says nothing: ${JSON.stringify(verdict)}\n`,
      );
    }
    this.#durations.set(trial, usualMs);
    return usualMs;
  }
}

/** Tests of real disks, processes and programs. */
export class RealStage extends OneByOne {
  readonly name = 'real';
  readonly #runner = new TestRunner(this.note);

  protected trialsFor(file: string): readonly string[] {
    return realTestsOf(this.root, file);
  }

  protected run(trial: string, timeoutMs: number): Promise<Verdict> {
    return this.#runner.run([join(this.root, trial)], timeoutMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#runner[Symbol.asyncDispose]();
  }
}

/** Whatever the simulator runs of the product; it says nothing of adapters, which it stands in for. */
const SIMULATED = /^(agent\/(core|executor)|coordinator\/(core|runner))\//;
/** What is done before an operation is, or beside it. */
const NOT_SIMULATED = /^coordinator\/core\/(checks\/|plan|left-out|approval|space|tool|etcd-version)/;

export class SimulationStage extends OneByOne {
  readonly name = 'simulation';
  readonly #trials: readonly string[];

  /** `trials`: command lines of the simulator, such as "test/sim/main.ts --runs 300 --seed 1". */
  constructor(root: string, note: string, trials: readonly string[]) {
    super(root, note);
    this.#trials = trials.filter((trial) => existsSync(join(root, trial.split(' ')[0] ?? '')));
  }

  protected trialsFor(file: string): readonly string[] {
    return SIMULATED.test(file) && !NOT_SIMULATED.test(file) ? this.#trials : [];
  }

  protected run(trial: string, timeoutMs: number): Promise<Verdict> {
    return simulate(this.root, this.note, trial, timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
