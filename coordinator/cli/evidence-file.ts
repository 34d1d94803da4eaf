import { statSync } from 'node:fs';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import type { Invocation } from './invocation.ts';
import { clean, clip, wrap } from './render/layout.ts';
import { duration } from './render/units.ts';

/** Below it a command is done before a person asks how long it will take. */
const PROGRESS_FROM_BYTES = 1024 * 1024 * 1024;
const REDRAW_MS = 500;
const ERASE_LINE = '\r\u001b[K';

/**
 * Opens a file for the length of `use`; no coordinator is asked. What the reader has to say about
 * the file goes to standard error, but for a file that is opened `again`; so does the time left
 * where the file is large. Throws as `openEvidence` does.
 */
export function withEvidence<Result>(
  invocation: Invocation,
  path: string,
  use: (evidence: Evidence) => Result,
  { again = false } = {},
): Result {
  return naming(path, () => {
    using opened = openEvidence(path);
    if (!again) tellNotes(invocation, opened);
    if (!invocation.terminal.showsProgress || statSync(path).size < PROGRESS_FROM_BYTES) return use(opened);
    using watched = new WatchedEvidence(opened, invocation);
    return use(watched);
  });
}

/** What is said against a file names it: a command may read several. */
export function naming<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof LockstepError) || !thrown.code.startsWith('SNAPSHOT_')) throw thrown;
    if (thrown.message.includes(path)) throw thrown;
    throw new LockstepError(thrown.code, { message: `${path}: ${thrown.message}`, cause: thrown.cause });
  }
}

function tellNotes({ terminal, layout }: Invocation, evidence: Evidence): void {
  for (const note of evidence.notes) {
    for (const line of wrap(layout, `note: ${evidence.path}: ${note}`)) terminal.err(`${line}\n`);
  }
}

/** Says on standard error how far a walk is, and how long it will take from here. */
class WatchedEvidence implements Evidence {
  readonly path: string;
  readonly form: Evidence['form'];
  readonly #evidence: Evidence;
  readonly #invocation: Invocation;
  #walks = 0;
  #drawn = false;

  constructor(evidence: Evidence, invocation: Invocation) {
    this.path = evidence.path;
    this.form = evidence.form;
    this.#evidence = evidence;
    this.#invocation = invocation;
  }

  get facts(): Evidence['facts'] {
    return this.#evidence.facts;
  }

  get notes(): readonly string[] {
    return this.#evidence.notes;
  }

  rows(visit: Parameters<Evidence['rows']>[0]): void {
    const { revision } = this.facts;
    const { terminal } = this.#invocation;
    this.#walks++;
    const startedMs = terminal.nowMs();
    let first = -1;
    let drawnMs = startedMs;
    let seen = 0;
    this.#evidence.rows((row) => {
      visit(row);
      if (first < 0) first = row.main;
      // The clock is asked for one row of many.
      if ((++seen & 0x3ff) !== 0 || terminal.nowMs() - drawnMs < REDRAW_MS) return;
      drawnMs = terminal.nowMs();
      const done = (row.main - first) / Math.max(1, revision - first);
      this.#draw(done, ((drawnMs - startedMs) * (1 - done)) / Math.max(done, 0.001));
    });
  }

  value(main: number, sub: number): Uint8Array | undefined {
    return this.#evidence.value(main, sub);
  }

  carved(visit: Parameters<Evidence['carved']>[0]): void {
    this.#evidence.carved(visit);
  }

  #draw(done: number, leftMs: number): void {
    const { terminal, layout } = this.#invocation;
    const text = `${this.path}: walk ${this.#walks}, ${Math.floor(done * 100)}%, about ${duration(leftMs)} left`;
    terminal.err(ERASE_LINE + clip(layout, clean(layout, text), layout.width - 1));
    this.#drawn = true;
  }

  [Symbol.dispose](): void {
    if (this.#drawn) this.#invocation.terminal.err(ERASE_LINE);
  }
}
