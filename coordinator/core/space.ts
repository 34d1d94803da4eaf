import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { SPACE_MARGIN_BYTES, WAL_BYTES } from './limits.ts';
import type { MemberNode } from './plan-input.ts';

/** What a restore writes on one node, by the disk it lands on. */
export interface SpaceNeed {
  /** Beside etcd's data directory: the new store and its WAL. */
  readonly dataBytes: bigint;
  /** In the agent's state directory: the snapshot. */
  readonly stateBytes: bigint;
}

export function spaceNeed(facts: SnapshotFacts): SpaceNeed {
  const storeBytes = facts.status?.totalSizeBytes ?? facts.fileSizeBytes;
  return {
    dataBytes: storeBytes + WAL_BYTES + SPACE_MARGIN_BYTES,
    stateBytes: facts.fileSizeBytes + SPACE_MARGIN_BYTES,
  };
}

/** The need on each disk of the node; one disk that bears both bears their sum. */
export function needByDisk(
  node: MemberNode,
  need: SpaceNeed,
): { path: string; freeBytes: bigint; totalBytes: bigint; neededBytes: bigint; purpose: string }[] {
  const byDevice = new Map<
    bigint,
    { path: string; freeBytes: bigint; totalBytes: bigint; neededBytes: bigint; purpose: string }
  >();
  for (const disk of node.report.disks) {
    const wanted = disk.purpose === 'data' ? need.dataBytes : disk.purpose === 'state' ? need.stateBytes : 0n;
    const before = byDevice.get(disk.device);
    byDevice.set(
      disk.device,
      before === undefined
        ? {
            path: disk.path,
            freeBytes: disk.freeBytes,
            totalBytes: disk.totalBytes,
            neededBytes: wanted,
            purpose: disk.purpose,
          }
        : { ...before, neededBytes: before.neededBytes + wanted },
    );
  }
  return [...byDevice.values()];
}

/** "1.5 GiB" for a person. */
export function bytesText(bytes: bigint): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
