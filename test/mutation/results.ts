import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export type StageName = 'unit' | 'simulation' | 'real';

/** How one mutant fared. */
export interface Result {
  readonly id: string;
  readonly file: string;
  readonly outcome: 'killed' | 'timeout' | 'survived';
  /** The stage that killed it; the last one it went through where none did. */
  readonly stage: StageName;
  /** The test or invariant that failed. */
  readonly by: string;
  /** Stages that it went through. */
  readonly stages: readonly StageName[];
  /** What was checked out then. */
  readonly commit: string;
}

/** One line of JSON a mutant: a run that is cut short goes on where it stood. The last line of an id counts. */
export class Results {
  readonly #path: string;
  readonly #byId = new Map<string, Result>();

  constructor(path: string) {
    this.#path = path;
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      // The line that a kill cut short is run again.
      if (!line.endsWith('}')) continue;
      const result = JSON.parse(line) as Result;
      this.#byId.set(result.id, result);
    }
  }

  get(id: string): Result | undefined {
    return this.#byId.get(id);
  }

  add(result: Result): void {
    this.#byId.set(result.id, result);
    appendFileSync(this.#path, `${JSON.stringify(result)}\n`);
  }
}
