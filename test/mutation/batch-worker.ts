/**
 * Runs one test file against many mutants of one source in a single run of vitest: a suite for
 * each, which imports the test file anew under a name of its own; the mark in it is handed on
 * to everything that leads to the mutated source. To start anew for each would cost ten times as much.
 */
import { readFileSync } from 'node:fs';
import { createVitest, type Vitest } from 'vitest/node';

export interface BatchRequest {
  /** Absolute. */
  readonly test: string;
  /** Absolute paths of files that must be loaded anew for each mutant: all that lead to the source. */
  readonly fresh: readonly string[];
  /** The source; none for a run without a mutant. */
  readonly source: string;
  /** By id; the whole source, changed. */
  readonly texts: Readonly<Record<string, string>>;
}

export type BatchAnswer =
  | { readonly kind: 'ready' }
  /** Of each id, the test that failed first; null where none did. */
  | { readonly kind: 'ran'; readonly failed: Readonly<Record<string, string | null>> }
  | { readonly kind: 'broken'; readonly why: string };

const DRIVER = import.meta.filename.replace('batch-worker', 'batch-driver');
/** One test of a busy machine; what hangs is looked at again by itself. */
const TEST_TIMEOUT_MS = 20_000;

let current: BatchRequest = { test: '', fresh: [], source: '', texts: {} };
let batch = 0;

const vitest = await createVitest(
  'test',
  {
    // Its own settings: the projects of the repository's inherit no plugin.
    config: false,
    // Kept on disk a mutant's module would be taken for the real one, by other runs too.
    fsModuleCache: false,
    include: ['test/mutation/batch-driver.ts'],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    watch: false,
    maxWorkers: 1,
    fileParallelism: false,
    reporters: [{}],
  },
  { plugins: [{ name: 'mutants', enforce: 'pre', resolveId, load }] },
);
await vitest.globTestSpecifications();
send({ kind: 'ready' });
process.on('disconnect', () => process.exit());
process.on('message', (request: BatchRequest) => {
  void run(vitest, request).then(send, (error: unknown) => send({ kind: 'broken', why: String(error) }));
});

/**
 * "/path/of/file.mutant-ID-BATCH.ts": by its end it is TypeScript. The batch keeps a second run of
 * a mutant from the first one's modules.
 */
const MUTANT = /\.mutant-(?<id>\w+)-\d+\.ts$/;

async function resolveId(
  this: { resolve(source: string, importer?: string, options?: object): Promise<{ id: string } | null> },
  source: string,
  importer: string | undefined,
): Promise<string | undefined> {
  if (MUTANT.test(source)) return source;
  const mark = importer === undefined ? undefined : MUTANT.exec(importer)?.[0];
  if (importer === undefined || mark === undefined) return undefined;
  const resolved = await this.resolve(source, importer.replace(MUTANT, '.ts'), { skipSelf: true });
  if (resolved === null || !current.fresh.includes(resolved.id)) return resolved?.id;
  return resolved.id.replace(/\.ts$/, mark);
}

function load(id: string): string | undefined {
  if (id === DRIVER) return driverOf(current);
  const mutant = MUTANT.exec(id)?.groups?.['id'];
  if (mutant === undefined) return undefined;
  const path = id.replace(MUTANT, '.ts');
  return (path === current.source ? current.texts[mutant] : undefined) ?? readFileSync(path, 'utf8');
}

function driverOf({ test, texts }: BatchRequest): string {
  const ids = Object.keys(texts);
  const suites = (ids.length === 0 ? ['none'] : ids).map((id) => {
    const from = JSON.stringify(test.replace(/\.ts$/, `.mutant-${id}-${batch}.ts`));
    return `against(${JSON.stringify(id)}, () => import(${from}));`;
  });
  return [
    "import { afterEach, beforeEach, describe, it } from 'vitest';",
    'const dead = new Set();',
    'const against = (id, load) => describe(id, async () => {',
    '  beforeEach(({ skip }) => skip(dead.has(id)));',
    "  afterEach(({ task }) => { if (task.result?.state === 'fail') dead.add(id); });",
    "  try { await load(); } catch (thrown) { it('loads', () => { throw thrown; }); }",
    '});',
    ...suites,
  ].join('\n');
}

async function run(running: Vitest, request: BatchRequest): Promise<BatchAnswer> {
  current = request;
  batch += 1;
  running.invalidateFile(DRIVER);
  running.state.clearErrors();
  running.state.filesMap.clear();
  running.state.idMap.clear();
  running.state.pathsSet.clear();
  const { testModules } = await running.runTestSpecifications(running.getModuleSpecifications(DRIVER));
  const [driver] = testModules;
  if (driver === undefined) return { kind: 'broken', why: 'the driver did not run' };
  const [error] = driver.errors();
  if (error !== undefined) return { kind: 'broken', why: error.message };
  const failed: Record<string, string | null> = {};
  for (const suite of driver.children.suites()) {
    const [first] = suite.children.allTests('failed');
    const said = first?.result().errors?.[0]?.message.split('\n')[0] ?? '';
    const ran = [...suite.children.allTests('passed')].length;
    if (first === undefined && suite.errors().length > 0)
      failed[suite.name] = suite.errors()[0]?.message ?? '';
    else if (first === undefined && ran === 0)
      return { kind: 'broken', why: `no test ran for ${suite.name}` };
    else failed[suite.name] = first === undefined ? null : `${first.name} (${said.slice(0, 100)})`;
  }
  return { kind: 'ran', failed };
}

function send(answer: BatchAnswer): void {
  process.send?.(answer);
}
