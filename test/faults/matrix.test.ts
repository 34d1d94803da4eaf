import { describe, expect, it } from 'vitest';
import { type MatrixReport, runMatrix } from './matrix/matrix.ts';

const MATRIX_TIMEOUT_MS = 3_600_000;

/** `LOCKSTEP_MATRIX_SHARD=1/4`: a part of the points; all of them where it is not set. */
function shard(): { index: number; count: number } {
  const [index = 1, count = 1] = (process.env['LOCKSTEP_MATRIX_SHARD'] ?? '1/1').split('/').map(Number);
  return { index, count };
}

/**
 * Every call of every port that a restore or a rollback crosses: SIGKILL before it, after it, and
 * after it is acknowledged; the program is started again, and nobody does anything more. How it went
 * is in test-results/faults, as a table.
 */
describe.each(['agent', 'coordinator'] as const)('SIGKILL of the %s at every call of a port', (program) => {
  it('ends restored or rolled back, with every invariant', { timeout: MATRIX_TIMEOUT_MS }, async () => {
    const report: MatrixReport = await runMatrix({
      program,
      shard: shard(),
      resume: process.env['LOCKSTEP_MATRIX_RESUME'] === '1',
      say: (line) => process.stderr.write(`${line}\n`),
    });
    process.stderr.write(
      `${report.targets.length} points in ${report.operations} operations, ${Math.round(report.durationMs / 1000)} s\n`,
    );
    expect(report.unwell).toEqual([]);
    expect(report.unreached).toEqual([]);
    expect(report.uncrossed).toEqual([]);
    expect(report.needlessReasons).toEqual([]);
  });
});
