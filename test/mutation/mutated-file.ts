import { readFileSync } from 'node:fs';

/** The one file that reads otherwise in this run. */
export interface MutatedFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

/** Names the note that says which file that is; unset or empty: none. */
export const MUTATED_FILE_VARIABLE = 'LOCKSTEP_MUTATED_FILE';

/** Read anew by each process that starts: the note changes from mutant to mutant. */
export function mutatedFile(environment: NodeJS.ProcessEnv): MutatedFile | undefined {
  const note = environment[MUTATED_FILE_VARIABLE] ?? '';
  if (note === '') return undefined;
  const text = readFileSync(note, 'utf8');
  return text === '' ? undefined : (JSON.parse(text) as MutatedFile);
}
