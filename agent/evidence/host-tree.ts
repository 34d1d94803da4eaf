import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, readdir, readlink } from 'node:fs/promises';
import { errorCodeOf } from '../adapters/host-files.ts';
import { isWithin } from '../adapters/host-root.ts';

/** open(2)'s flag for a descriptor that only names what lies there: opening a device so does nothing to it. */
const O_PATH = 0x200000;
const READ_BYTES = 1024 * 1024;

export type SeenKind =
  | 'file'
  | 'directory'
  | 'symbolic-link'
  | 'fifo'
  | 'socket'
  | 'character-device'
  | 'block-device'
  | 'unknown';

/**
 * A host path as evidence: one character per byte (latin1), so that a name that is no UTF-8 survives.
 */
export type HostName = string;

/** What bears a name. Held open by its inode until it is disposed: what is read is what was looked at. */
export interface Seen extends AsyncDisposable {
  /** The last name that was reached: shorter than what was asked for where a link lies on the way. */
  readonly path: HostName;
  readonly kind: SeenKind;
  readonly stats: BigIntStats;
  /** As it is written in the link. */
  readonly target: HostName | undefined;
  readonly handle: FileHandle;
}

/**
 * The host's files for whoever gathers evidence: looked at by name, no symbolic link followed, not
 * even on the way, nothing opened but plain files and directories. Each step goes from the directory
 * that the last one holds open, so that nobody can put a link in its way in between. Access times
 * stay as they were. Errors of the kernel come out as they are.
 */
export class HostTree {
  readonly #root: string;
  readonly #allowed: readonly HostName[];
  readonly #findAvoided: () => readonly HostName[];
  #avoided: readonly HostName[] | undefined;
  #underWay = 0;

  /**
   * `allowed`: below which nothing else is looked at. `avoided`: where nothing is, whatever is allowed:
   * a file system that does not answer would hold whoever asks it for good.
   */
  constructor(root: string, allowed: readonly HostName[], avoided: () => readonly HostName[] = () => []) {
    this.#root = root;
    this.#allowed = allowed;
    this.#findAvoided = avoided;
  }

  /** Before each gathering: what is mounted now is looked at anew. */
  prepare(): void {
    this.#avoided = undefined;
  }

  /** False as long as the kernel has not answered somebody, who may have given up long ago. */
  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /** Whether evidence may be taken there at all: a manifest may name any path. */
  allows(path: HostName): boolean {
    return isClean(path) && this.#allowed.some((prefix) => isWithin(prefix, path));
  }

  /** Undefined where nothing bears the name. Throws where the path is not allowed. */
  async look(path: HostName): Promise<Seen | undefined> {
    if (!this.allows(path)) throw new Error('it is outside what the agent may gather');
    this.#avoided ??= this.#findAvoided();
    if (this.#avoided.some((prefix) => isWithin(prefix, path))) {
      throw new Error('it lies on a file system of the network, which may not answer');
    }
    return this.#asked(async () => {
      let seen: Seen | undefined = await seenAt(await open(this.#root, O_PATH | constants.O_DIRECTORY), '');
      for (const name of path.split('/').filter((part) => part !== '')) {
        if (seen?.kind === 'symbolic-link') return seen;
        seen = seen === undefined ? undefined : await step(seen, name);
      }
      return seen;
    });
  }

  /** Names in a directory that is held open, sorted by their bytes. */
  async names(directory: Seen): Promise<HostName[]> {
    const names = await this.#asked(() => readdir(Buffer.from(ownName(directory)), { encoding: 'buffer' }));
    return names.map((name) => name.toString('latin1')).sort();
  }

  /** The bytes of a plain file, from an offset. */
  async *read(file: Seen, offsetBytes = 0): AsyncGenerator<Uint8Array, void, undefined> {
    if (file.kind !== 'file') throw new Error('it is no plain file');
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOATIME;
    await using handle = await this.#asked(() => open(ownName(file), flags));
    for (let at = offsetBytes; ; ) {
      const { bytesRead, buffer } = await this.#asked(() =>
        handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, at),
      );
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** A small file whole; undefined where it is longer than that, no plain file, or not there. */
  async readSmall(path: HostName, maxBytes: number): Promise<Buffer | undefined> {
    await using seen = await this.look(path);
    if (seen?.kind !== 'file') return undefined;
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const bytes of this.read(seen)) {
      parts.push(bytes);
      length += bytes.length;
      if (length > maxBytes) return undefined;
    }
    return Buffer.concat(parts);
  }

  async #asked<Result>(ask: () => Promise<Result>): Promise<Result> {
    this.#underWay += 1;
    try {
      return await ask();
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** Absolute, with nothing in it that climbs or says less than it seems to. */
function isClean(path: HostName): boolean {
  return path.startsWith('/') && !path.includes('\0') && !path.split('/').some((part) => part === '..');
}

/** What it holds open, by no name that anybody could change. */
function ownName({ handle }: Pick<Seen, 'handle'>): string {
  return `/proc/self/fd/${handle.fd}`;
}

/** What bears the name in the directory, which is let go of. */
async function step(directory: Seen, name: HostName): Promise<Seen | undefined> {
  await using from = directory;
  if (from.kind !== 'directory') return undefined;
  const named = Buffer.from(`${ownName(from)}/${name}`, 'latin1');
  try {
    const path = `${from.path}/${name}`;
    const seen = await seenAt(await open(named, O_PATH | constants.O_NOFOLLOW), path);
    if (seen.kind !== 'symbolic-link') return seen;
    const target = await readlink(named, { encoding: 'buffer' });
    return { ...seen, target: target.toString('latin1') };
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

async function seenAt(handle: FileHandle, path: HostName): Promise<Seen> {
  try {
    const stats = await handle.stat({ bigint: true });
    const close = (): Promise<void> => handle.close();
    return { path, kind: kindOf(stats), stats, target: undefined, handle, [Symbol.asyncDispose]: close };
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

function kindOf(stats: BigIntStats): SeenKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symbolic-link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  if (stats.isCharacterDevice()) return 'character-device';
  return stats.isBlockDevice() ? 'block-device' : 'unknown';
}
