/**
 * `npm test`: every check and every test tier that fits in twenty minutes, one after another.
 * Goes on after a failure, so that one run tells everything; closes with what failed, then one line of counts.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const scratch = mkdtempSync(join(tmpdir(), 'lockstep-test-'));
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
/** Told again at the end: whoever reads a log that was cut reads its last lines. */
const failures: string[] = [];

function failed(what: string): void {
  total.failed += 1;
  failures.push(what);
}

/** A check counts as one test: it passes or it fails. */
function check(title: string, command: string, args: string[]): void {
  process.stdout.write(`\n== ${title}\n`);
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) total.passed += 1;
  else failed(title);
}

/** One vitest project, or some files of it; its own JSON report is what is counted. */
function tier(project: string, ...files: string[]): void {
  process.stdout.write(`\n== ${[project, ...files].join(' ')}\n`);
  const report = join(scratch, `${project}.json`);
  const { status } = spawnSync(
    'vitest',
    [
      'run',
      '--project',
      project,
      ...files,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { stdio: 'inherit' },
  );
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8'));
    total.passed += counts.numPassedTests;
    total.skipped += counts.numPendingTests + counts.numTodoTests;
    for (const file of counts.testResults) {
      for (const test of file.assertionResults) {
        if (test.status === 'failed') failed(`${project}: ${test.fullName}: ${test.failureMessages[0]}`);
      }
    }
    // A file that cannot even be loaded has no failed test of its own.
    if (status !== 0 && counts.numFailedTests === 0) failed(`${project}: a file that could not be loaded`);
  } catch (error) {
    failed(`${project}: no report: ${String(error)}`);
  }
}

check('types', 'tsc', []);
check('format and imports', 'biome', ['ci', '--linter-enabled=false', '.']);
check('lint', 'oxlint', ['--type-aware']);
check('contract lint', 'buf', ['lint']);
check('contract kept: nothing released is broken', 'buf', ['breaking', '--against', 'proto/released.binpb']);
check('generated code', 'node', ['scripts/check-generated.ts']);
tier('unit');
tier('sim');
tier('integration');
tier('e2e');
// Seconds, and nothing else sees a sync that is missing.
tier('faults', 'test/faults/syscalls.test.ts');

rmSync(scratch, { recursive: true, force: true });
for (const failure of failures) process.stdout.write(`\nFAILED ${failure}\n`);
process.stdout.write(
  `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}\n`,
);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
