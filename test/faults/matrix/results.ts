import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { callName, MOMENTS, parsePoint } from '../failpoints/point.ts';
import type { Row } from './cluster.ts';

const DIRECTORY = resolve(import.meta.dirname, '../../../test-results/faults');

/** Rows as they come, so that a matrix that is cut short can be gone on with. */
export class Results {
  readonly #path: string;
  readonly #rows: Row[];

  /** `resume`: what an earlier run has found counts. */
  constructor(name: string, resume: boolean) {
    mkdirSync(DIRECTORY, { recursive: true });
    this.#path = join(DIRECTORY, name);
    if (!resume) rmSync(`${this.#path}.jsonl`, { force: true });
    this.#rows = existsSync(`${this.#path}.jsonl`)
      ? readFileSync(`${this.#path}.jsonl`, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Row)
      : [];
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  add(row: Row): void {
    this.#rows.push(row);
    appendFileSync(`${this.#path}.jsonl`, `${JSON.stringify(row)}\n`);
    writeFileSync(`${this.#path}.md`, tableOf(this.#rows));
  }

  /** Points at which a program was killed in an operation that ended well. */
  get proven(): ReadonlySet<string> {
    return new Set(this.#rows.filter(isWell).flatMap(({ killed }) => killed.map(({ point }) => point)));
  }
}

export function isWell({ outcome, violations }: Row): boolean {
  return violations.length === 0 && (outcome === 'restored' || outcome === 'rolled-back');
}

/** In a table's cell: what the operation came to that somebody was killed in at this point. */
function cellOf(rows: readonly Row[]): string {
  return [...new Set(rows.map((row) => (isWell(row) ? row.outcome : `**${row.outcome}, not well**`)))].join(
    ', ',
  );
}

/** Markdown: what was called in which step, and what came of a SIGKILL at each moment of it. */
export function tableOf(rows: readonly Row[]): string {
  const byCall = new Map<string, Map<string, Row[]>>();
  for (const row of rows) {
    for (const { point } of row.killed) {
      const { program, port, method, moment, occurrence, step } = parsePoint(point);
      const time = occurrence === 1 ? '' : ` (time ${occurrence})`;
      const call = `${program} | ${step === '' ? ' ' : step} | ${callName(port, method)}${time}`;
      const cells = byCall.get(call) ?? new Map<string, Row[]>();
      cells.set(moment, [...(cells.get(moment) ?? []), row]);
      byCall.set(call, cells);
    }
  }
  const lines = [...byCall].map(([call, cells]) => {
    const outcomes = MOMENTS.map((moment) => cellOf(cells.get(moment) ?? []) || ' ');
    return `| ${call} | ${outcomes.join(' | ')} |`;
  });
  return [
    `| program | step | call | ${MOMENTS.join(' | ')} |`,
    `| --- | --- | --- | ${MOMENTS.map(() => '---').join(' | ')} |`,
    ...lines.sort(),
    '',
  ].join('\n');
}

/** One line for a person who waits. */
export function lineOf(row: Row): string {
  const kills = row.killed.map(({ at, point }) => `${at} at ${point.slice(point.indexOf(':') + 1)}`);
  const trouble = [...row.violations, ...row.missed.map((point) => `not reached: ${point}`)];
  return [
    `${(row.durationMs / 1000).toFixed(1).padStart(6)} s  ${row.kind} ${row.operationId} ${row.outcome}${row.failure === '' ? '' : ` (${row.failure})`}`,
    ...kills.map((kill) => `          killed ${kill}`),
    ...trouble.map((words) => `          ! ${words}`),
  ].join('\n');
}
