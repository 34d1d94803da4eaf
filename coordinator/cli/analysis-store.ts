import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { type EtcdTool, runTool } from './etcd-tool.ts';

/** etcd allocates its log whole, and one more of it ahead. */
const LOG_BYTES = 2n * 64_000_000n;

export interface AnalysisRequest {
  readonly tool: EtcdTool;
  /** The snapshot, which is only read, and what was read in it. */
  readonly snapshot: string;
  readonly facts: SnapshotFacts;
  /** Absolute; not there, or empty. */
  readonly directory: string;
  readonly name: string;
  /**
   * Loopback, and one further for peers, of whom there are none; or `sockets`: files in the
   * directory that etcd is started in.
   */
  readonly clientPort: number | 'sockets';
}

/** The socket file of `clientPort: 'sockets'`. */
export const CLIENT_SOCKET = 'client:1';

/** How to start an etcd on the directory: the program's words. */
export interface AnalysisStore {
  readonly start: readonly string[];
  /** The same for a copy of the directory, which is the same member's. */
  readonly startOn: (copy: string) => readonly string[];
  readonly clientUrl: string;
}

/**
 * A data directory of one member, made from a snapshot by etcd's own tool and read whole by our own
 * reader. Throws SPACE_TOO_LITTLE, BUILD_FAILED, BUILD_CONTENT_DIFFERS, USAGE, with the directory
 * as it was.
 */
export async function makeAnalysisStore(
  request: AnalysisRequest,
  signal: AbortSignal,
): Promise<AnalysisStore> {
  const { tool, snapshot, facts, directory } = request;
  await requireEmpty(directory);
  await requireSpace(directory, facts);
  const { restore, store } = wordsOf(request);
  await mkdir(dirname(directory), { recursive: true });
  // Undefined where it was there already.
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await runTool(tool, ['snapshot', 'restore', snapshot, ...restore], signal);
    await requireSameContent(directory, facts, signal);
  } catch (thrown) {
    await empty(directory);
    if (made !== undefined) await rm(directory, { recursive: true, force: true });
    throw thrown;
  }
  return store;
}

function wordsOf({ facts, directory, name, clientPort }: AnalysisRequest): {
  restore: string[];
  store: AnalysisStore;
} {
  const sockets = clientPort === 'sockets';
  const peer = sockets ? 'unix://peer:1' : `http://127.0.0.1:${clientPort + 1}`;
  const clientUrl = sockets ? `unix://${CLIENT_SOCKET}` : `http://127.0.0.1:${clientPort}`;
  const member = (dataDirectory: string): string[] => [
    `--name=${name}`,
    `--data-dir=${dataDirectory}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${name}=${peer}`,
  ];
  const startOn = (dataDirectory: string): string[] => [
    'etcd',
    ...member(dataDirectory),
    `--listen-peer-urls=${peer}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
  ];
  return {
    restore: [
      ...member(directory),
      // Of no other cluster, so that it can never be taken for a member of the one it came from.
      `--initial-cluster-token=lockstep-${name}-${randomBytes(8).toString('hex')}`,
      ...(facts.trailerPresent ? [] : ['--skip-hash-check']),
    ],
    store: { clientUrl, start: startOn(directory), startOn },
  };
}

async function requireEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new LockstepError('USAGE', { message: `${directory} cannot be used.`, cause: error });
  });
  if (names.length === 0) return;
  throw new LockstepError('USAGE', {
    message: `${directory} is not empty; a store is only ever made anew.`,
  });
}

async function requireSpace(directory: string, facts: SnapshotFacts): Promise<void> {
  const needed = (facts.status?.totalSizeBytes ?? facts.fileSizeBytes) + LOG_BYTES;
  const free = await freeBytes(directory);
  if (free >= needed) return;
  throw new LockstepError('SPACE_TOO_LITTLE', {
    message: `${directory} would need ${needed / 1_000_000n} MB; ${free / 1_000_000n} MB are free there.`,
  });
}

/** Of the nearest directory above it that is there. */
async function freeBytes(directory: string): Promise<bigint> {
  for (let at = directory; ; at = dirname(at)) {
    const stats = await statfs(at, { bigint: true }).catch(() => undefined);
    if (stats !== undefined) return stats.bavail * stats.bsize;
    if (at === dirname(at)) return 0n;
  }
}

async function requireSameContent(
  directory: string,
  facts: SnapshotFacts,
  signal: AbortSignal,
): Promise<void> {
  const contentUpToRevision = facts.status?.revision ?? 0n;
  const made = await readSnapshotFacts(
    join(directory, 'member/snap/db'),
    { trailer: 'absent', contentUpToRevision },
    signal,
  );
  if (made.contentSha256 === facts.contentSha256) return;
  throw new LockstepError('BUILD_CONTENT_DIFFERS', {
    message: `What was made in ${directory} has content ${made.contentSha256}, the snapshot ${facts.contentSha256}.`,
  });
}

async function empty(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
}
