import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { FileDigest } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OfflineCopy } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { syncDirectory, syncOrFail, writeAll } from './durable.ts';

const CHUNK_BYTES = 1024 * 1024;
/** A log of 100,000 entries is some files of 64 MB; as many as these are no member's. */
const MAX_LOG_FILES = 64;
/** etcd's own names: segments of the log, and the raft snapshots that it begins after. */
const LOG_FILE = /^[0-9a-f]{16}-[0-9a-f]{16}\.(?:wal|snap)$/u;

/** What the files of a stopped member's log take. The directories are real paths. */
export async function logBytes(directories: readonly string[]): Promise<bigint> {
  const files = (await Promise.all(directories.map(logFiles))).flat();
  const sizes = await Promise.all(files.map(async (path) => (await stat(path, { bigint: true })).size));
  return sizes.reduce((sum, size) => sum + size, 0n);
}

async function logFiles(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => LOG_FILE.test(name)).sort();
  if (names.length > MAX_LOG_FILES) {
    throw new LockstepError('SAVE_FAILED', {
      message: `${directory} holds ${names.length} files of a log; at most ${MAX_LOG_FILES} are copied.`,
    });
  }
  return names.map((name) => join(directory, name));
}

/** Into a new directory, each file and all names synced. */
export async function copyLog(
  directories: readonly string[],
  target: string,
  signal: AbortSignal,
): Promise<FileDigest[]> {
  await mkdir(target, { mode: 0o700 });
  const digests: FileDigest[] = [];
  for (const directory of directories) {
    for (const path of await logFiles(directory)) {
      const name = path.slice(directory.length + 1);
      digests.push({ path: name, ...(await copyFile(path, join(target, name), signal)) });
    }
  }
  await syncDirectory(target);
  return digests;
}

async function copyFile(
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<Pick<FileDigest, 'sha256' | 'sizeBytes'>> {
  await using file = await open(to, 'wx', 0o600);
  const digest = createHash('sha256');
  let sizeBytes = 0n;
  for await (const bytes of createReadStream(from, { highWaterMark: CHUNK_BYTES, signal })) {
    const piece = bytes as Buffer;
    digest.update(piece);
    await writeAll(file, piece, to);
    sizeBytes += BigInt(piece.length);
  }
  await syncOrFail(file, to);
  return { sha256: digest.digest('hex'), sizeBytes };
}

/** In what the log beside an offline snapshot differs from its card, in words. */
export async function logDifferences(
  { files }: OfflineCopy,
  directory: string,
  signal: AbortSignal,
): Promise<string[]> {
  const differences: string[] = [];
  for (const { path, sha256 } of files) {
    const found = await digestOf(join(directory, path), signal);
    if (found !== sha256) {
      differences.push(
        `the card says log file ${path} has digest ${sha256}; it ${found === undefined ? 'is gone' : `has ${found}`}`,
      );
    }
  }
  return differences;
}

async function digestOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const digest = createHash('sha256');
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: CHUNK_BYTES, signal })) {
      digest.update(bytes as Buffer);
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
  return digest.digest('hex');
}
