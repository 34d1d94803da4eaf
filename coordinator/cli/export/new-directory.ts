import {
  appendFileSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { pathSegment } from '../../analysis/export/path-segment.ts';

const FILE_MODE = 0o600;
/** Names that come to one path. */
const MAX_ALIKE = 1_000;
const DIRECTORY_MODE = 0o700;
/** Never what is there already, nor through a symbolic link. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * A directory that is filled from nothing, for its owner alone. Names from elsewhere become one
 * segment of a path each, and nothing that is there is written to.
 */
export class NewDirectory {
  readonly path: string;
  readonly #made: boolean;
  /** Where the directory of such names lies: two names may come to one on this file system. */
  readonly #directories = new Map<string, string>();
  files = 0;

  /** Throws EXPORT_TARGET_REFUSED. */
  constructor(path: string) {
    this.path = path;
    this.#made = makeEmpty(path);
  }

  /** Makes an empty file and returns its path. */
  create(...names: readonly string[]): string {
    const at = join(this.#directoryOf(names.slice(0, -1)), pathSegment(names.at(-1)!));
    const path = unlessThere(at, (free) => closeSync(openSync(free, NEW_FILE, FILE_MODE)));
    this.files++;
    return path;
  }

  write(text: string, ...names: readonly string[]): void {
    writeFileSync(this.create(...names), text);
  }

  /** To a file that `create` made. */
  append(path: string, text: string): void {
    appendFileSync(path, text);
  }

  #directoryOf(names: readonly string[]): string {
    let at = this.path;
    for (const segment of names.map(pathSegment)) {
      const wanted = join(at, segment);
      const known = this.#directories.get(wanted);
      at = known ?? unlessThere(wanted, (free) => mkdirSync(free, { mode: DIRECTORY_MODE }));
      if (known === undefined) this.#directories.set(wanted, at);
    }
    return at;
  }

  /** What was written, and the directory where it was not there before. */
  remove(): void {
    if (this.#made) return rmSync(this.path, { recursive: true, force: true });
    for (const name of readdirSync(this.path))
      rmSync(join(this.path, name), { recursive: true, force: true });
  }
}

/** Makes something at the path, or beside it where another name has taken that. Returns where. */
function unlessThere(path: string, make: (path: string) => void): string {
  for (let attempt = 1; ; attempt++) {
    const free = attempt === 1 ? path : `${path}~${attempt}`;
    try {
      make(free);
      return free;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === MAX_ALIKE) throw thrown;
    }
  }
}

/** True where it had to be made. */
function makeEmpty(path: string): boolean {
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw refused(path, 'cannot be made', cause);
  }
  if (!lstatSync(path).isDirectory()) throw refused(path, 'is no directory of its own');
  if (readdirSync(path).length > 0) throw refused(path, 'is not empty');
  return false;
}

function refused(path: string, why: string, cause?: unknown): LockstepError {
  return new LockstepError('EXPORT_TARGET_REFUSED', {
    message: `${path} ${why}.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
