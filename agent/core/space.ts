import type { DiskReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

/** What `etcdutl snapshot restore` writes beside the database: one WAL, allocated whole. */
const WAL_BYTES = 64_000_000n;

/**
 * How many bytes are missing of what the plan asked for; 0 if none. The plan's need is the sum
 * over all disks that a restore writes to, so it is held against the sum of what they have free;
 * what was staged and built since the plan was part of the need, and is there already.
 */
export function missingBytes(
  neededBytes: bigint,
  disks: readonly DiskReport[],
  snapshot: SnapshotFacts,
  done: { readonly staged: boolean; readonly built: boolean },
): bigint {
  const freeByDevice = new Map(disks.map((disk) => [disk.device, disk.freeBytes]));
  const free = [...freeByDevice.values()].reduce((sum, bytes) => sum + bytes, 0n);
  const staged = done.staged ? snapshot.fileSizeBytes : 0n;
  const built = done.built ? (snapshot.status?.totalSizeBytes ?? 0n) + WAL_BYTES : 0n;
  const missing = neededBytes - staged - built - free;
  return missing > 0n ? missing : 0n;
}
