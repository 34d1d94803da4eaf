import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadedBy } from './imports.ts';
import { MUTATED_FILE_VARIABLE } from './mutated-file.ts';
import type { StageName } from './results.ts';
import { realTestsOf, unitTests, unitTestsOf } from './scope.ts';
import { TestRunner, type Verdict } from './test-runner.ts';

/** Long: a busy machine is no mutant noticed. What hangs is ended from outside. */
const TEST_TIMEOUT_MS = 300_000;

/** A way to notice a mutant. The mutated file is what the note says; an empty note: none. */
export interface Stage extends AsyncDisposable {
  readonly name: StageName;
  /** What there is to run for a file, in order; each is run until one fails. */
  trialsFor(file: string): readonly string[];
  run(trial: string, timeoutMs: number): Promise<Verdict>;
}

export class UnitStage implements Stage {
  readonly name = 'unit';
  readonly #root: string;
  readonly #runner: TestRunner;
  readonly #loaded: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(root: string, note: string) {
    this.#root = root;
    this.#runner = new TestRunner(TEST_TIMEOUT_MS, note);
    const known = new Map<string, string[]>();
    this.#loaded = new Map(unitTests(root).map((test) => [test, loadedBy(root, test, known)]));
  }

  trialsFor(file: string): readonly string[] {
    return unitTestsOf(file, this.#loaded);
  }

  run(trial: string, timeoutMs: number): Promise<Verdict> {
    return this.#runner.run([join(this.#root, trial)], timeoutMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#runner[Symbol.asyncDispose]();
  }
}

export class RealStage implements Stage {
  readonly name = 'real';
  readonly #root: string;
  readonly #runner: TestRunner;

  constructor(root: string, note: string) {
    this.#root = root;
    this.#runner = new TestRunner(TEST_TIMEOUT_MS, note);
  }

  trialsFor(file: string): readonly string[] {
    return realTestsOf(this.#root, file);
  }

  run(trial: string, timeoutMs: number): Promise<Verdict> {
    return this.#runner.run([join(this.#root, trial)], timeoutMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#runner[Symbol.asyncDispose]();
  }
}

/** Whatever the simulator runs of the product; it says nothing of adapters, which it stands in for. */
const SIMULATED = /^(agent\/(core|executor|ledger)|coordinator\/(core|runner))\//;

export class SimulationStage implements Stage {
  readonly name = 'simulation';
  readonly #root: string;
  readonly #note: string;
  readonly #trials: readonly string[];

  /** `trials`: command lines of the simulator, such as "test/sim/main.ts --runs 300 --seed 1". */
  constructor(root: string, note: string, trials: readonly string[]) {
    this.#root = root;
    this.#note = note;
    this.#trials = trials.filter((trial) => existsSync(join(root, trial.split(' ')[0] ?? '')));
  }

  trialsFor(file: string): readonly string[] {
    return SIMULATED.test(file) ? this.#trials : [];
  }

  async run(trial: string, timeoutMs: number): Promise<Verdict> {
    const child = spawn(process.execPath, trial.split(' '), {
      cwd: this.#root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        [MUTATED_FILE_VARIABLE]: this.#note,
        NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${join(import.meta.dirname, 'loader.ts')}`,
      },
    });
    let said = '';
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-4000);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    clearTimeout(timer);
    if (late) return { kind: 'timeout' };
    return code === 0 ? { kind: 'survived' } : { kind: 'killed', by: brokenOf(said) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The line that says which invariant broke. */
function brokenOf(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  return (lines.find((line) => /broken|invariant|Error/.test(line)) ?? lines.at(-1) ?? '').slice(0, 200);
}
