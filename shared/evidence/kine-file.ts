import { constants, copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { LockstepError } from '../errors/lockstep-error.ts';
import { corrupt } from '../snapshot/bbolt/corrupt.ts';
import { cannotOpen } from '../snapshot/bbolt/file.ts';

/** What SQLite keeps beside a database: its log, and the journal of a transaction under way. */
const COMPANIONS = ['-wal', '-journal'];

/** SQLite's own codes for a file that is no database, or a damaged one. */
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/**
 * A SQLite file, opened so that nothing is written to it or beside it. Where a log lies beside it,
 * the newest rows are in that alone, and SQLite can read the two together only where it may write
 * beside them: then both are copied to a directory of the user's own, which is gone afterwards.
 */
export class KineFile implements Disposable {
  readonly database: DatabaseSync;
  /** Names of the files that were read together with it. */
  readonly companions: readonly string[];
  readonly #copy: string | undefined;

  /** Throws SNAPSHOT_NOT_FOUND, SNAPSHOT_CORRUPT. */
  constructor(path: string) {
    const beside = COMPANIONS.map((suffix) => `${path}${suffix}`).filter((each) => sizeOf(each) > 0);
    this.companions = beside.map((each) => basename(each));
    if (sizeOf(path) === 0) throw corrupt(`${path} is empty.`);
    if (beside.length === 0) {
      const url = pathToFileURL(path);
      url.searchParams.set('immutable', '1');
      this.database = reading(path, () => new DatabaseSync(url.href, { readOnly: true }));
      return;
    }
    this.#copy = mkdtempSync(join(tmpdir(), 'lockstep-evidence-'));
    try {
      for (const each of [path, ...beside]) {
        copyFileSync(each, join(this.#copy, basename(each)), constants.COPYFILE_FICLONE);
      }
      const copied = join(this.#copy, basename(path));
      this.database = reading(path, () => new DatabaseSync(copied));
    } catch (thrown) {
      this.#removeCopy();
      throw thrown;
    }
  }

  [Symbol.dispose](): void {
    this.database.close();
    this.#removeCopy();
  }

  #removeCopy(): void {
    if (this.#copy !== undefined) rmSync(this.#copy, { recursive: true, force: true });
  }
}

/** Runs a reading of the file; what SQLite says against the file itself becomes SNAPSHOT_CORRUPT. */
export function reading<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    const code = ((cause as { errcode?: number }).errcode ?? 0) & 0xff;
    if (code !== CORRUPT && code !== NOT_A_DATABASE) throw cause;
    throw new LockstepError('SNAPSHOT_CORRUPT', {
      message: `${path} is a damaged SQLite file: ${(cause as Error).message}.`,
      cause,
    });
  }
}

function sizeOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isFile()) throw cannotOpen(path, new Error('It is no file.'));
  return found.size;
}
