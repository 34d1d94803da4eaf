import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { MUTATED_FILE_VARIABLE } from './mutated-file.ts';
import type { Verdict } from './verdict.ts';
import type { TestAnswer, TestRequest } from './vitest-worker.ts';

const START_TIMEOUT_MS = 120_000;
const loader = join(import.meta.dirname, 'loader.ts');

/** Runs test files; starts its worker anew after one that had to be ended. */
export class TestRunner implements AsyncDisposable {
  /** Path of the note that names the mutated file; children of the tests read it too. */
  readonly #note: string;
  #worker: ChildProcess | undefined;

  constructor(note: string) {
    this.#note = note;
  }

  async run(tests: readonly string[], timeoutMs: number): Promise<Verdict> {
    const worker = this.#worker ?? (await this.#start());
    worker.send({ tests } satisfies TestRequest);
    const answer = await answerOf(worker, timeoutMs);
    if (typeof answer !== 'object') {
      this.#end();
      return answer === 'exited'
        ? { kind: 'killed', by: 'the test process ended' }
        : { kind: 'timeout', by: 'it does not end' };
    }
    return answer.kind === 'failed' ? { kind: 'killed', by: answer.by } : { kind: 'survived' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  async #start(): Promise<ChildProcess> {
    const worker = fork(join(import.meta.dirname, 'vitest-worker.ts'), {
      // A group of its own: what its tests have started ends with it.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: ['--disable-warning=DEP0123', '--disable-warning=ExperimentalWarning'],
      env: {
        ...process.env,
        [MUTATED_FILE_VARIABLE]: this.#note,
        NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${loader}`,
      },
    });
    this.#worker = worker;
    const answer = await answerOf(worker, START_TIMEOUT_MS);
    if (typeof answer === 'object' && answer.kind === 'ready') return worker;
    this.#end();
    throw new Error('vitest did not start');
  }

  #end(): void {
    const pid = this.#worker?.pid;
    this.#worker = undefined;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

function answerOf(worker: ChildProcess, timeoutMs: number): Promise<TestAnswer | 'exited' | undefined> {
  return new Promise((resolve) => {
    const done = (answer: TestAnswer | 'exited' | undefined): void => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      resolve(answer);
    };
    const onMessage = (answer: unknown): void => done(answer as TestAnswer);
    const onExit = (): void => done('exited');
    const timer = setTimeout(() => done(undefined), timeoutMs);
    worker.on('message', onMessage);
    worker.on('exit', onExit);
  });
}
