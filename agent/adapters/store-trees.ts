import { constants } from 'node:fs';
import { access, chmod, chown, copyFile, lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

import { absentAsUndefined, errorCodeOf, syncPath } from './host-files.ts';
import { runProgram } from './run-program.ts';

/** etcd keeps a few WAL files and snapshots; a tree with more entries is no store. */
const MAX_ENTRIES = 100_000;
/** Where the data directory is a mount point, NEW is built inside it: no part of OLD. */
const OWN_DIRECTORY = '.lockstep';
const SELINUX = '/sys/fs/selinux/enforce';
const CHCON = '/usr/bin/chcon';

interface Entry {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** "DEVICE:NUMBER" */
  readonly inode: string;
}

/** A tree bottom up, its root last. Anything but files and directories is no store's: refused. */
async function* walk(root: string, signal: AbortSignal): AsyncGenerator<Entry> {
  signal.throwIfAborted();
  const stats = await absentAsUndefined(lstat(root, { bigint: true }));
  if (stats === undefined) return;
  const kind = stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : undefined;
  if (kind === undefined) {
    throw new LockstepError('PATH_NOT_ALLOWED', {
      message: `'${root}' is neither a file nor a directory: no store holds such a thing.`,
    });
  }
  if (kind === 'directory') {
    for (const name of (await absentAsUndefined(readdir(root))) ?? []) {
      if (name !== OWN_DIRECTORY) yield* walk(join(root, name), signal);
    }
  }
  yield {
    path: root,
    kind,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mode: Number(stats.mode & 0o7777n),
    inode: `${stats.dev}:${stats.ino}`,
  };
}

async function entriesOf(root: string, signal: AbortSignal): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of walk(root, signal)) {
    entries.push(entry);
    if (entries.length > MAX_ENTRIES) {
      throw new LockstepError('PATH_NOT_ALLOWED', {
        message: `'${root}' holds more than ${MAX_ENTRIES} files.`,
      });
    }
  }
  return entries;
}

export async function directoriesOf(root: string, signal: AbortSignal): Promise<Entry[]> {
  return (await entriesOf(root, signal)).filter((entry) => entry.kind === 'directory');
}

/**
 * Gives `tree` the owner, modes and labels of `model`, then syncs every file and directory, the
 * lowest first, and the directory that the tree lies in. What the model has under the same name
 * is followed; what it has not follows its database, or its `member/`.
 */
export async function adoptTree(tree: string, model: string, signal: AbortSignal): Promise<void> {
  const models = new Map(
    (await entriesOf(model, signal)).map((entry) => [relative(model, entry.path), entry]),
  );
  const root = models.get('');
  if (root === undefined) {
    throw new LockstepError('STORE_NOT_AS_RECORDED', { message: `'${model}' is not there to be followed.` });
  }
  const database = models.get('member/snap/db') ?? models.get('snap/db');
  const inner = models.get('member') ?? root;
  const entries = await entriesOf(tree, signal);
  for (const entry of entries) {
    const like =
      models.get(relative(tree, entry.path)) ?? (entry.kind === 'directory' ? inner : (database ?? root));
    if (entry.uid !== like.uid || entry.gid !== like.gid) await chown(entry.path, like.uid, like.gid);
    // A file's mode must never come from a directory: that would make it executable.
    const mode = like.kind === entry.kind ? like.mode : 0o600;
    if (entry.mode !== mode) await chmod(entry.path, mode);
  }
  await label(tree, model, signal);
  for (const entry of entries) await syncPath(entry.path);
  await syncPath(dirname(tree));
}

/** Labels follow the inode, and a new one bears those of the directory it was made in. */
async function label(tree: string, model: string, signal: AbortSignal): Promise<void> {
  const enabled = await access(SELINUX).then(
    () => true,
    () => false,
  );
  if (enabled) await runProgram(CHCON, ['--recursive', `--reference=${model}`, tree], signal);
}

/** Copies what is below `source` into the existing directory `target`, and syncs it. The source is only read. */
export async function copyTree(source: string, target: string, signal: AbortSignal): Promise<void> {
  const entries = await entriesOf(source, signal);
  for (const entry of entries.filter(({ kind }) => kind === 'directory').toReversed()) {
    const copy = join(target, relative(source, entry.path));
    await mkdir(copy, { mode: 0o700 }).catch((thrown: unknown) => {
      if (errorCodeOf(thrown) !== 'EEXIST') throw thrown;
    });
  }
  for (const entry of entries) {
    const copy = join(target, relative(source, entry.path));
    if (entry.kind === 'file') {
      signal.throwIfAborted();
      await copyFile(entry.path, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE).catch(
        (thrown: unknown) => {
          if (errorCodeOf(thrown) !== 'ENOSPC') throw thrown;
          throw new LockstepError('DISK_FULL', { message: `'${copy}' could not be written.`, cause: thrown });
        },
      );
    }
    await syncPath(copy);
  }
}
