import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** A data directory as it lies on disk. */
export interface StoreFiles {
  /** `device:inode` of the directory, which an exchange of names does not change. */
  readonly directory: string;
  /** `device:inode` of `member/snap/db`. */
  readonly database: string;
  /** Everything below, by relative path. */
  readonly files: ReadonlyMap<string, { readonly inode: string; readonly changedMs: number }>;
}

const BOLT_MAGIC = 0xed0cdaed;
const BOLT_VERSION = 2;
const META_BYTES = 16 + 64;
const WAL_NAME = /^[0-9a-f]{16}-[0-9a-f]{16}\.wal$/;

/** Undefined where there is no such directory. */
export function readStore(path: string): StoreFiles | undefined {
  const directory = inodeOf(path);
  if (directory === undefined) return undefined;
  const files = new Map<string, { inode: string; changedMs: number }>();
  const visit = (below: string): void => {
    for (const entry of readdirSync(join(path, below), { withFileTypes: true })) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) visit(name);
      else {
        const stat = lstatSync(join(path, name), { bigint: true, throwIfNoEntry: false });
        if (stat === undefined) continue;
        files.set(name, { inode: `${stat.dev}:${stat.ino}`, changedMs: Number(stat.ctimeNs / 1_000_000n) });
      }
    }
  };
  visit('');
  return { directory, database: inodeOf(join(path, 'member/snap/db')) ?? '', files };
}

/** What keeps a directory from being one complete store; empty where nothing does. */
export function storeDefects(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [`${path} is not there`];
  if (!stat.isDirectory()) return [`${path} is no directory`];
  return [...databaseDefects(join(path, 'member/snap/db')), ...walDefects(join(path, 'member/wal'))];
}

/** Read by its two headers alone: a member that runs writes the rest meanwhile. */
function databaseDefects(path: string): string[] {
  const size = lstatSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return [`${path} is not there`];
  const fd = openSync(path, 'r');
  try {
    const first = Buffer.alloc(META_BYTES);
    if (readSync(fd, first, 0, META_BYTES, 0) < META_BYTES) return [`${path} has ${size} bytes`];
    // Page size, of the header that the first page holds; where that one is being written, the usual.
    const pageBytes = isMeta(first) ? first.readUInt32LE(16 + 8) : 4096;
    const second = Buffer.alloc(META_BYTES);
    readSync(fd, second, 0, META_BYTES, pageBytes);
    return isMeta(first) || isMeta(second) ? [] : [`${path} is no bbolt database`];
  } finally {
    closeSync(fd);
  }
}

function isMeta(page: Buffer): boolean {
  return page.readUInt32LE(16) === BOLT_MAGIC && page.readUInt32LE(20) === BOLT_VERSION;
}

function walDefects(path: string): string[] {
  let names: string[];
  try {
    names = readdirSync(path).filter((name) => WAL_NAME.test(name));
  } catch {
    return [`${path} is not there`];
  }
  const sizes = names.map((name) => lstatSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.some((size) => size > 0) ? [] : [`${path} holds no log`];
}

export function inodeOf(path: string): string | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}

/** Names in a directory; none where there is no directory. */
export function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
