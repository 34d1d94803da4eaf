import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Everything about a path that a refusal must not change. */
export interface TreeEntry {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** `device:inode` */
  readonly inode: string;
  readonly mode: number;
  readonly owner: string;
  /** Nanoseconds since the epoch. */
  readonly modifiedNs: bigint;
  /** SHA-256 of a file, target of a link; empty where not asked for. */
  readonly content: string;
}

export interface TreeOptions {
  /** Of these paths nothing is read below: files that running programs write. Relative, as in the answer. */
  readonly skip?: (path: string) => boolean;
  /** False: inodes, modes and times alone. */
  readonly digests?: boolean;
}

/** A tree as it is, by path relative to its root; compare two with a test's own `toEqual`. */
export async function describeTree(root: string, options: TreeOptions = {}): Promise<Map<string, TreeEntry>> {
  const entries = new Map<string, TreeEntry>();
  await describeBelow(root, '', options, entries);
  return entries;
}

async function describeBelow(
  root: string,
  path: string,
  options: TreeOptions,
  entries: Map<string, TreeEntry>,
): Promise<void> {
  const real = join(root, path);
  const stats = await lstat(real, { bigint: true });
  const kind = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'link'
        : 'other';
  entries.set(path, {
    kind,
    inode: `${stats.dev}:${stats.ino}`,
    mode: Number(stats.mode & 0o7777n),
    owner: `${stats.uid}:${stats.gid}`,
    modifiedNs: stats.mtimeNs,
    content: await contentOf(real, kind, options.digests !== false),
  });
  if (kind !== 'directory') return;
  for (const name of (await readdir(real)).sort()) {
    const child = path === '' ? name : `${path}/${name}`;
    if (options.skip?.(child) !== true) await describeBelow(root, child, options, entries);
  }
}

async function contentOf(path: string, kind: TreeEntry['kind'], digests: boolean): Promise<string> {
  if (kind === 'link') return readlink(path);
  if (kind !== 'file' || !digests) return '';
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
