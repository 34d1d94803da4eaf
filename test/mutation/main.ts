/**
 * The checkers are checked: removes or inverts, one at a time, every sync, comparison, guard,
 * proof, record and order of the cores and the executors, and sees whether a test, the simulator
 * or a real disk notices.
 *
 *     node test/mutation/main.ts [--files GLOB] [--only ID] [--stages unit,simulation,real]
 *                                [--results FILE] [--again] [--list] [--report FILE] [--note TEXT]
 *
 * `--results`: where verdicts are kept and taken up again. `--again`: survivors are tried again,
 * by new tests perhaps; so are mutants of a file that is named. `--report`: writes the score,
 * under a note of what it covers.
 * Exits with 1 where a whole run kills fewer than 95%.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, matchesGlob, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.ts';
import { mutantsOf } from './mutants.ts';
import { renderReport, scoreOf } from './report.ts';
import { Results } from './results.ts';
import { mutatedFiles } from './scope.ts';
import { RealStage, SimulationStage, type Stage, UnitStage } from './stages.ts';
import { SURVIVORS } from './survivors.ts';

const TARGET = 0.95;
/** Slices of the simulator: long enough to meet each fault in each phase. */
const SIMULATIONS = [
  'test/sim/main.ts --runs 60 --seed 1 --no-shrink',
  'test/sim/main.ts --runs 240 --seed 7 --no-shrink',
];

const root = resolve(import.meta.dirname, '../..');
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '**' },
    only: { type: 'string' },
    stages: { type: 'string', default: 'unit,simulation,real' },
    results: { type: 'string', default: join(tmpdir(), 'lockstep-mutation', 'results.jsonl') },
    again: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    report: { type: 'string' },
    note: { type: 'string' },
  },
});

const mutants = mutatedFiles(root).flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')));
const chosen = mutants.filter(
  ({ id, file }) => matchesGlob(file, values.files) && (values.only ?? id).split(',').includes(id),
);
mkdirSync(dirname(values.results), { recursive: true });
const results = new Results(values.results);

if (values.list) for (const mutant of chosen) process.stdout.write(`${lineOf(mutant)}\n`);
else if (values.report === undefined) await tryAll();
finish();

async function tryAll(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'lockstep-mutant-'));
  const note = join(scratch, 'mutated-file.json');
  const wanted = values.stages.split(',');
  const stages: Stage[] = [
    new UnitStage(root),
    new SimulationStage(root, note, SIMULATIONS),
    new RealStage(root, note),
  ].filter((stage) => wanted.includes(stage.name));
  try {
    const due = chosen.filter((mutant) => isDue(mutant));
    for (const [file, own] of Map.groupBy(due, (mutant) => mutant.file)) await tryFile(file, own, stages);
  } finally {
    for (const stage of stages) await stage[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Cheapest first; who survives one stage goes to the next. */
async function tryFile(file: string, mutants: readonly Mutant[], stages: readonly Stage[]): Promise<void> {
  let left = mutants;
  for (const { name, tryAll: tryOn } of stages.map((stage) => ({
    name: stage.name,
    tryAll: stage.tryAll.bind(stage),
  }))) {
    const survivors = new Set(left);
    await tryOn(file, left, (mutant, verdict) => {
      const stagesOf = [...new Set([...(results.get(mutant.id)?.stages ?? []), name])];
      const by = verdict.kind === 'survived' ? '' : verdict.by;
      results.add({ id: mutant.id, file, outcome: verdict.kind, stage: name, by, stages: stagesOf, commit });
      if (verdict.kind !== 'survived') survivors.delete(mutant);
      process.stdout.write(`${seconds()} ${verdict.kind.padEnd(8)} ${name} ${lineOf(mutant)} ${by}\n`);
    });
    left = [...survivors];
  }
}

function seconds(): string {
  return `${Math.round(performance.now() / 1000)}s`;
}

function isDue({ id }: Mutant): boolean {
  if (values.only !== undefined) return true;
  const earlier = results.get(id);
  if (earlier === undefined) return true;
  if (earlier.outcome !== 'survived') return false;
  return values.again || values.stages.split(',').some((stage) => !earlier.stages.includes(stage as never));
}

function finish(): void {
  const judged = mutants.flatMap((mutant) => {
    const result = results.get(mutant.id);
    return result === undefined ? [] : [{ mutant, result }];
  });
  if (values.report !== undefined) {
    const untried = mutants.filter(({ id }) => results.get(id) === undefined);
    writeFileSync(join(root, values.report), renderReport(judged, untried, SURVIVORS, values.note));
  }
  if (values.list) return;
  const { killed, total } = scoreOf(judged);
  process.stdout.write(`${killed} of ${total} killed; ${mutants.length - total} not tried yet\n`);
  const isWhole = values.files === '**' && values.only === undefined && total === mutants.length;
  if (isWhole && killed < total * TARGET) process.exitCode = 1;
}

function lineOf({ id, file, line, owner, operator, how, was, is }: Mutant): string {
  const about = operator === 'comparison' ? how : `${how}: ${was} => ${is}`;
  return `${id} ${file}:${line} ${owner} ${operator} ${about}`;
}
