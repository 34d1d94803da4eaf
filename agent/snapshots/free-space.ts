import { statfs } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** What a snapshot on its way in leaves free: three files of etcd's log, which may lie on the same disk. */
export const RESERVE_BYTES = 192n * 1024n * 1024n;

/** A disk that a snapshot fills may be the one that etcd writes its log to. Throws DISK_FULL. */
export async function refuseFullDisk(directory: string, neededBytes: bigint): Promise<void> {
  const { bavail, bsize } = await statfs(directory, { bigint: true });
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes + RESERVE_BYTES) return;
  throw new LockstepError('DISK_FULL', {
    message: `${directory} has ${freeBytes} bytes left; the snapshot needs ${neededBytes}, and ${RESERVE_BYTES} stay free for etcd.`,
  });
}
