import { globSync } from 'node:fs';
import { basename, dirname, posix } from 'node:path';

/** What is mutated: the cores, the executors, and what keeps their promises on a disk. */
const MUTATED = [
  'agent/core/*.ts',
  'agent/executor/**/*.ts',
  'agent/ledger/*.ts',
  'agent/adapters/{host-files,stores,store-trees,systemd}.ts',
  'agent/hosting/proof-of-stop.ts',
  'agent/hosting/static-pod/{hosting,stop-components}.ts',
  'agent/hosting/systemd/{hosting,proof-of-unit}.ts',
  'agent/snapshots/{durable,pull,store}.ts',
  'coordinator/core/*.ts',
  'coordinator/core/checks/*.ts',
  'coordinator/runner/{operations,operation-records,operation-run,recovery-loop,setting-aside}.ts',
];

/** What is told to people and decides nothing: reports, an operation as a standby sees it, a figure. */
const LEFT_OUT = new Set([
  'coordinator/core/observed.ts',
  'coordinator/core/report.ts',
  'coordinator/core/truth.ts',
  'coordinator/core/outage.ts',
]);

export function mutatedFiles(root: string): string[] {
  return globSync(MUTATED, { cwd: root })
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/') && !LEFT_OUT.has(file))
    .sort();
}

/** Tests of real disks, processes and programs, by the file that they are about; quick ones first. */
const REAL_TESTS: readonly (readonly [pattern: RegExp, tests: readonly string[]])[] = [
  [/^agent\/adapters\/(host-files|stores?(-trees)?)\.ts$/, ['adapters/durability', 'adapters/stores']],
  [/^agent\/adapters\/(host-files|systemd)\.ts$/, ['adapters/unit-hold']],
  [/^agent\/adapters\/host-files\.ts$/, ['adapters/host-files']],
  [/^agent\/adapters\/systemd\.ts$/, ['adapters/systemd']],
  [/^agent\/hosting\//, ['adapters/static-pod']],
  [/^agent\/ledger\//, ['agent/ledger-guards', 'agent/ledger']],
  [/^agent\/snapshots\/(store|offline|offline-log)\.ts$/, ['agent/offline']],
  [/^agent\/snapshots\//, ['agent/pull', 'agent/snapshots']],
  [/^agent\/(adapters|ledger|snapshots)\//, ['../faults/syscalls']],
  [/^agent\/(core|executor)\//, ['agent/agent']],
  [/^coordinator\/(runner|core)\//, ['coordinator/coordinator']],
];

export function realTestsOf(root: string, file: string): string[] {
  return REAL_TESTS.flatMap(([pattern, tests]) => (pattern.test(file) ? tests : []))
    .map((name) => posix.join('test/integration', `${name}.test.ts`))
    .filter((path) => globSync(path, { cwd: root }).length > 0);
}

/** What tests of other directories look at too; adapters they only stand around. */
const IS_PURE = /\/(core|executor|ledger|runner)\//;

/** Unit tests that can see a file, the nearest first. `importsOf`: everything that a test loads. */
export function unitTestsOf(file: string, tests: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const own = file.replace(/\.ts$/, '.test.ts');
  const rank = (test: string): number => {
    if (test === own) return 0;
    if (dirname(test) === dirname(file)) return basename(test).includes('transition') ? 2 : 1;
    return 3;
  };
  return [...tests]
    .filter(([test, loaded]) => loaded.has(file) && rank(test) <= (IS_PURE.test(file) ? 3 : 1))
    .map(([test]) => test)
    .toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Unit tests of the two programs; those of the command line say how things look. */
export function unitTests(root: string): string[] {
  return globSync(['agent/**/*.test.ts', 'coordinator/**/*.test.ts'], { cwd: root }).filter(
    (test) => !test.includes('/cli/'),
  );
}
