import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';

import type { EtcdMemberPlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';

import { errorCodeOf, type HostFiles } from '../adapters/host-files.ts';
import { type FileIdentity, formatDevice } from '../adapters/proc-tables.ts';
import { identityIfThere } from '../adapters/process-table.ts';

/** Directories of a store that a running etcd has files in; it also keeps the WAL's directory open. */
const DIRECTORIES = ['', 'member', 'member/snap', 'member/wal'];
const FILES_IN = ['member/snap', 'member/wal'];

/**
 * Every file by which a process that uses one of this node's stores could be known: of what lies
 * in place, of what lies beside it, and OLD's as the plan recorded them, wherever they are now.
 */
export function storeFiles(
  files: HostFiles,
  member: EtcdMemberPlan,
  operationId: string,
): readonly FileIdentity[] {
  const dataDir = member.dataDir.replace(/\/+$/u, '');
  const isMount = member.oldStore?.isMountPoint ?? false;
  const staging = posix.join(isMount ? dataDir : posix.dirname(dataDir), '.lockstep', operationId, 'store');
  const found = [dataDir, staging].flatMap((store) => filesOf(files.realPath(store, 'read')));
  for (const inode of [member.oldStore?.dataDirInode, member.oldStore?.dbInode]) {
    if (inode !== undefined && inode.number !== 0n) {
      found.push({ device: formatDevice(inode.device), inode: inode.number });
    }
  }
  return found;
}

function filesOf(store: string): FileIdentity[] {
  const paths = [
    ...DIRECTORIES.map((directory) => join(store, directory)),
    ...FILES_IN.flatMap((directory) =>
      namesIn(join(store, directory)).map((name) => join(store, directory, name)),
    ),
  ];
  return paths.flatMap((path) => identityIfThere(path) ?? []);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT' || errorCodeOf(thrown) === 'ENOTDIR') return [];
    throw thrown;
  }
}
