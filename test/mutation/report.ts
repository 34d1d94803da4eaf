import type { Mutant, OperatorName } from './mutant.ts';
import type { Result } from './results.ts';

export interface Judged {
  readonly mutant: Mutant;
  readonly result: Result;
}

export interface Score {
  readonly killed: number;
  readonly total: number;
}

const OPERATORS: Readonly<Record<OperatorName, string>> = {
  sync: 'a sync is left out, or the database’s weakened',
  comparison: 'a comparison is turned round, or takes its bound the other way',
  guard: 'a guard is never taken, always taken, loses a part or its `!`, or an abort is not looked at',
  flag: 'a flag that a guard rests on is set the other way',
  proof: 'a proof or a wait for one is left out',
  order: 'two neighbouring effects, or two neighbouring guards of a core, change places',
  table: 'an element of a table is left out, or two change places',
  record: 'a record is not made, or an intent is recorded after its effect',
};

export function scoreOf(judged: readonly Judged[]): Score {
  const killed = judged.filter(({ result }) => result.outcome !== 'survived').length;
  return { killed, total: judged.length };
}

/** `docs/mutation.md`, whole. `untried`: mutants that no run has come to yet. */
export function renderReport(
  judged: readonly Judged[],
  untried: readonly Mutant[],
  reasons: ReadonlyMap<string, string>,
  note?: string,
): string {
  const survivors = judged.filter(({ result }) => result.outcome === 'survived');
  const hung = judged.filter(({ result }) => result.outcome === 'timeout').length;
  const { killed, total } = scoreOf(judged);
  const reasoned = survivors.filter(({ mutant }) => reasons.has(mutant.id)).length;
  return [
    HEAD,
    `**${killed} of ${total} mutants are killed: ${percent(killed, total)}.** ` +
      `${hung} of these never came to an end and were ended; the code itself is far from that limit. ` +
      `${survivors.length} survive, ${wordsOf(survivors.length, reasoned)}. Each is below.`,
    ...(untried.length === 0
      ? []
      : ['', `**${untried.length} more have not been tried yet**: ${untriedFiles(untried)}.`]),
    ...(note === undefined ? [] : ['', note]),
    '',
    '## By operator',
    '',
    ...table(
      ['operator', 'what is done', 'killed', 'of', ''],
      Object.entries(OPERATORS).map(([operator, what]) => {
        const own = judged.filter(({ mutant }) => mutant.operator === operator);
        return [operator, what, ...figures(own)];
      }),
    ),
    '',
    '## By what noticed it',
    '',
    ...table(
      ['noticed by', 'mutants'],
      (['unit', 'simulation', 'real'] as const).map((stage) => [
        STAGES[stage],
        String(judged.filter(({ result }) => result.outcome !== 'survived' && result.stage === stage).length),
      ]),
    ),
    '',
    '## By commit',
    '',
    'A verdict is taken again where the file or what tests it has changed; what kills a mutant goes on doing so where tests are only added.',
    '',
    ...table(
      ['tried on', 'killed', 'of', ''],
      grouped(judged, ({ result }) => result.commit).map(([commit, own]) => [
        `\`${commit}\``,
        ...figures(own),
      ]),
    ),
    '',
    '## By file',
    '',
    ...table(
      ['file', 'killed', 'of', ''],
      grouped(judged, ({ mutant }) => mutant.file).map(([file, own]) => [`\`${file}\``, ...figures(own)]),
    ),
    '',
    '## Survivors',
    '',
    ...grouped(survivors, ({ mutant }) => mutant.file).flatMap(([file, own]) => [
      `### ${file}`,
      '',
      ...own.map((each) => survivorLine(each, reasons)),
      '',
    ]),
  ].join('\n');
}

function wordsOf(survivors: number, reasoned: number): string {
  if (reasoned === survivors) return 'each with the reason why that is harmless';
  return `${reasoned} with the reason why that is harmless, ${survivors - reasoned} not judged so, which want a test`;
}

function untriedFiles(untried: readonly Mutant[]): string {
  return grouped(untried, ({ file }) => file)
    .map(([file, own]) => `\`${file}\` (${own.length})`)
    .join(', ');
}

const STAGES = {
  unit: 'unit tests',
  simulation: 'the simulator',
  real: 'tests of real disks, processes and programs',
} as const;

const HEAD = `# The checkers are checked

Written by \`npm run mutate -- --report docs/mutation.md\`; the reasons are in \`test/mutation/survivors.ts\`.

A mutator removes or inverts, one at a time, every sync, comparison, proof, guard, record and ordering in the cores, the executors and what keeps their promises on a disk (\`test/mutation/scope.ts\`). Each mutant goes through the unit tests that can see it, then a slice of the simulator, then the tests of real disks and processes, until one notices. A mutant is served to those processes in place of the file that it is of; the tree is not touched.

Not mutated: log lines, messages and words of progress, types, the figures of deadlines, and checks that only tell the compiler what cannot be otherwise (\`if (x === undefined) throw new Error(…)\`).
`;

function survivorLine({ mutant }: Judged, reasons: ReadonlyMap<string, string>): string {
  const { id, owner, operator, how, was, is } = mutant;
  const what =
    operator === 'comparison'
      ? `\`${short(how)}\``
      : operator === 'order'
        ? `${how}: ${is
            .split(' … ')
            .map((part) => `\`${short(part)}\``)
            .join(' goes before ')}`
        : `${how}: \`${short(was)}\`${is === '' ? '' : ` → \`${short(is)}\``}`;
  return `- \`${owner === '' ? 'module' : owner}\`, ${operator} ${what}. **${reasons.get(id) ?? 'Not judged harmless: it wants a test.'}** (${id})`;
}

function short(text: string): string {
  const plain = text.replaceAll('`', '´').replaceAll(/\s+/g, ' ');
  return plain.length > 110 ? `${plain.slice(0, 109)}…` : plain;
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): [string, T[]][] {
  return [...Map.groupBy(all, keyOf)].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function figures(judged: readonly Judged[]): string[] {
  const { killed, total } = scoreOf(judged);
  return [String(killed), String(total), percent(killed, total)];
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : `${((part / whole) * 100).toFixed(1)}%`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
}
