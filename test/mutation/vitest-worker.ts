/**
 * A vitest that stays: tests run against one mutant after another without starting anew. A child
 * process of its own, because a mutant may never give the processor back.
 */
import { createVitest, type Vitest } from 'vitest/node';
import { type MutatedFile, mutatedFile } from './mutated-file.ts';

export interface TestRequest {
  /** Absolute paths of test files. */
  readonly tests: readonly string[];
}

export interface TestAnswer {
  readonly kind: 'ready' | 'passed' | 'failed';
  /** The first test that failed, or what kept a file from being loaded. */
  readonly by: string;
}

let current: MutatedFile | undefined;
/** Long: a busy machine is no mutant noticed. What hangs is ended from outside. */
const TEST_TIMEOUT_MS = 300_000;

const vitest = await createVitest(
  'test',
  {
    // Its own settings: the projects of the repository's inherit no plugin.
    config: false,
    // Kept on disk a mutant's module would be taken for the real one, by other runs too.
    fsModuleCache: false,
    include: ['**/*.test.ts'],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    watch: false,
    bail: 1,
    maxWorkers: 1,
    fileParallelism: false,
    reporters: [{}],
    // A mutant is no regression: nothing is written for it.
    update: false,
  },
  {
    plugins: [
      {
        name: 'mutant',
        enforce: 'pre',
        load: (id: string) => (id === current?.path ? current.text : undefined),
      },
    ],
  },
);
await vitest.globTestSpecifications();
send({ kind: 'ready', by: '' });
process.on('disconnect', () => process.exit());
process.on('message', (request: TestRequest) => {
  void run(vitest, request).then(send, (error: unknown) =>
    send({ kind: 'failed', by: `vitest: ${String(error)}` }),
  );
});

async function run(running: Vitest, { tests }: TestRequest): Promise<TestAnswer> {
  for (const stale of [current?.path, mutatedFile(process.env)?.path]) {
    if (stale !== undefined) running.invalidateFile(stale);
  }
  current = mutatedFile(process.env);
  // What failed before would count towards `bail`, and be taken for a failure of these tests.
  running.state.clearErrors();
  running.state.filesMap.clear();
  running.state.idMap.clear();
  running.state.pathsSet.clear();
  const specifications = tests.flatMap((file) => running.getModuleSpecifications(file));
  if (specifications.length === 0) throw new Error(`no test file of ${tests.join(', ')} is known`);
  const { testModules, unhandledErrors } = await running.runTestSpecifications(specifications);
  for (const module of testModules) {
    for (const test of module.children.allTests('failed')) {
      const said = test.result().errors?.[0]?.message.split('\n')[0] ?? '';
      return { kind: 'failed', by: `${test.fullName} (${said.slice(0, 100)})` };
    }
    const [broken] = module.errors();
    if (broken !== undefined) return { kind: 'failed', by: `${module.relativeModuleId}: ${broken.message}` };
  }
  if (unhandledErrors.length > 0) return { kind: 'failed', by: 'an error that no test caught' };
  const ran = testModules.flatMap((module) => [...module.children.allTests('passed')]).length;
  if (ran === 0) throw new Error('no test ran');
  return { kind: 'passed', by: '' };
}

function send(answer: TestAnswer): void {
  process.send?.(answer);
}
