import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
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
export interface Seen extends Disposable {
  /** The last name that was reached: shorter than what was asked for where a link lies on the way. */
  readonly path: HostName;
  readonly kind: SeenKind;
  readonly stats: BigIntStats;
  /** As it is written in the link. */
  readonly target: HostName | undefined;
  readonly descriptor: number;
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

  /** `allowed`: below which nothing else is looked at. */
  constructor(root: string, allowed: readonly HostName[]) {
    this.#root = root;
    this.#allowed = allowed;
  }

  /** Whether evidence may be taken there at all: a manifest may name any path. */
  allows(path: HostName): boolean {
    return isClean(path) && this.#allowed.some((prefix) => isWithin(prefix, path));
  }

  /** Undefined where nothing bears the name. Throws where the path is not allowed. */
  look(path: HostName): Seen | undefined {
    if (!this.allows(path)) throw new Error('it is outside what the agent may gather');
    let seen: Seen | undefined = seenAt(openSync(this.#root, O_PATH | constants.O_DIRECTORY), '', undefined);
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (seen?.kind === 'symbolic-link') return seen;
      seen = seen === undefined ? undefined : step(seen, name);
    }
    return seen;
  }

  /** Names in a directory that is held open, sorted by their bytes. */
  names(directory: Seen): HostName[] {
    return readdirSync(`/proc/self/fd/${directory.descriptor}`, { encoding: 'buffer' })
      .map((name) => name.toString('latin1'))
      .sort();
  }

  /** The bytes of a plain file, from an offset. */
  async *read(file: Seen, offsetBytes = 0): AsyncGenerator<Uint8Array, void, undefined> {
    if (file.kind !== 'file') throw new Error('it is no plain file');
    const named = `/proc/self/fd/${file.descriptor}`;
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOATIME;
    await using handle = await open(named, flags);
    for (let at = offsetBytes; ; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** A small file whole; undefined where it is longer than that, no plain file, or not there. */
  async readSmall(path: HostName, maxBytes: number): Promise<Buffer | undefined> {
    using seen = this.look(path);
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
}

/** Absolute, with nothing in it that climbs or says less than it seems to. */
function isClean(path: HostName): boolean {
  return path.startsWith('/') && !path.includes('\0') && !path.split('/').some((part) => part === '..');
}

function below(descriptor: number, name: HostName): Buffer {
  return Buffer.from(`/proc/self/fd/${descriptor}/${name}`, 'latin1');
}

/** What bears the name in the directory, which is let go of. */
function step(directory: Seen, name: HostName): Seen | undefined {
  using from = directory;
  if (from.kind !== 'directory') return undefined;
  const named = below(from.descriptor, name);
  try {
    return seenAt(openSync(named, O_PATH | constants.O_NOFOLLOW), `${from.path}/${name}`, named);
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function seenAt(descriptor: number, path: HostName, named: Buffer | undefined): Seen {
  const stats = fstatSync(descriptor, { bigint: true });
  const kind = kindOf(stats);
  return {
    path,
    kind,
    stats,
    target:
      kind === 'symbolic-link' && named !== undefined
        ? readlinkSync(named, { encoding: 'buffer' }).toString('latin1')
        : undefined,
    descriptor,
    [Symbol.dispose]: () => closeSync(descriptor),
  };
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
