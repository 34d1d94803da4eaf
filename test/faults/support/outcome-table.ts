/** What came of each fault in each place, for a person to read at the end of a file. */
export class OutcomeTable {
  readonly #title: string;
  readonly #columns: readonly [string, string, string];
  /** Outcomes by fault and place, each with how often. */
  readonly #cells = new Map<string, Map<string, number>>();

  constructor(title: string, columns: readonly [string, string, string] = ['fault', 'phase', 'outcome']) {
    this.#title = title;
    this.#columns = columns;
  }

  add(fault: string, place: string, outcome: string): void {
    const row = `${fault}\t${place}`;
    const outcomes = this.#cells.get(row) ?? new Map<string, number>();
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    this.#cells.set(row, outcomes);
  }

  toString(): string {
    const rows = [...this.#cells].map(([row, outcomes]) => {
      const [fault = '', place = ''] = row.split('\t');
      const said = [...outcomes].map(([outcome, times]) => (times === 1 ? outcome : `${outcome} x${times}`));
      return [fault, place, said.join(', ')];
    });
    const all = [[...this.#columns], ...rows];
    const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
    const lines = all.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    return `\n${this.#title}\n${lines.join('\n')}\n`;
  }

  print(): void {
    process.stdout.write(`${this.toString()}\n`);
  }
}
