import { posix } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { EtcdReport, NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { readWalFacts } from '../adapters/wal.ts';
import type { LockDatabase } from '../ports.ts';
import { pagesAsSnapshot } from './kept.ts';
import { copyLog, logBytes } from './offline-log.ts';
import type { OfflineLog, SnapshotSource } from './save.ts';

export interface OfflineDependencies {
  readonly node: string;
  readonly describe: (signal: AbortSignal) => Promise<NodeReport>;
  readonly realPath: (hostPath: string) => string;
  readonly lockDatabase: LockDatabase;
}

/** A stopped member, which nothing can start until it is disposed: a started etcd waits for the lock. */
export interface HeldMember extends AsyncDisposable {
  readonly report: NodeReport;
  readonly source: SnapshotSource;
  readonly log: OfflineLog;
}

/**
 * Takes hold of this node's member, proven not to run: it does not answer, and the lock on its
 * database, which every etcd holds as long as it has it open, is ours. Throws MEMBER_SERVES,
 * STORE_LOCKED, STORE_NOT_AS_RECORDED, and SNAPSHOT_* for a database that is broken.
 */
export async function holdStopped(
  { node, describe, realPath, lockDatabase }: OfflineDependencies,
  signal: AbortSignal,
): Promise<HeldMember> {
  const report = await describe(signal);
  const etcd = stoppedMember(node, report);
  const database = posix.join(etcd.dataDir, 'member/snap/db');
  const walDir = etcd.walDir || posix.join(etcd.dataDir, 'member/wal');
  const logDirectories = [walDir, posix.dirname(database)].map(realPath);
  const lock = await lockDatabase(database, signal).catch((thrown: unknown) => {
    if (!(thrown instanceof LockstepError) || thrown.code !== 'STORE_LOCKED') throw thrown;
    const message = `${thrown.message} A member without its quorum still sends a snapshot: leave out --offline.`;
    throw new LockstepError('STORE_LOCKED', { node, message, cause: thrown });
  });
  try {
    const [facts, wal] = await Promise.all([
      readSnapshotFacts(realPath(database), { trailer: 'absent' }, signal),
      readWalFacts(realPath(walDir), signal),
    ]);
    const sizeBytes = facts.status?.totalSizeBytes ?? 0n;
    return {
      report,
      source: {
        observe: async () => ({ clusterId: wal?.clusterId ?? '', dbSizeBytes: sizeBytes }),
        snapshot: (until) => pagesAsSnapshot(realPath(database), sizeBytes, until),
      },
      log: {
        sizeBytes: await logBytes(logDirectories),
        async copy(target) {
          return {
            dataDir: etcd.dataDir,
            walDir,
            files: await copyLog(logDirectories, target, signal),
            consistentIndex: facts.consistentIndex,
            committedIndex: wal?.committedIndex ?? 0n,
            lastIndex: wal?.lastIndex ?? 0n,
          };
        },
      },
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    };
  } catch (thrown) {
    await lock[Symbol.asyncDispose]();
    throw thrown;
  }
}

function stoppedMember(node: string, { etcd }: NodeReport): EtcdReport {
  if (etcd === undefined) {
    throw new LockstepError('SAVE_FAILED', {
      node,
      message: `Nothing on ${node} says where a member of etcd has its files: it has no manifest and no unit of etcd.`,
    });
  }
  if (!etcd.serving) return etcd;
  throw new LockstepError('MEMBER_SERVES', { node, message: `The member on ${node} answers.` });
}
