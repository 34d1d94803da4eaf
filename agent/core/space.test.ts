import { DiskReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { missingBytes } from './space.ts';

const facts = SnapshotFacts.fromPartial({ fileSizeBytes: 100n, status: { totalSizeBytes: 100n } });
const disk = (device: bigint, freeBytes: bigint) => DiskReport.fromPartial({ device, freeBytes });
const nothing = { staged: false, built: false };

describe('space', () => {
  it('is counted once for a disk that bears both', () => {
    expect(missingBytes(150n, [disk(1n, 100n), disk(1n, 100n)], facts, nothing)).toBe(50n);
    expect(missingBytes(150n, [disk(1n, 100n), disk(2n, 100n)], facts, nothing)).toBe(0n);
  });

  it('counts what is there already', () => {
    expect(missingBytes(150n, [disk(1n, 60n)], facts, { staged: true, built: false })).toBe(0n);
    expect(missingBytes(64_000_150n, [disk(1n, 0n)], facts, { staged: false, built: true })).toBe(50n);
  });
});
