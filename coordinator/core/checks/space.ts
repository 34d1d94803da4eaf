import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { bytesText, needByDisk, spaceNeed } from '../space.ts';
import type { Check } from './check.ts';

/** The disks take what a restore writes, and kubelet evicts nobody for it. */
export const checkSpace: Check = ({ members, facts }) => {
  if (facts === undefined) return [];
  return members.flatMap((node): Refusal[] => {
    const threshold = node.report.kubelet?.evictionNodefsAvailable ?? '';
    return needByDisk(node, spaceNeed(facts)).flatMap((disk): Refusal[] => {
      const { path, freeBytes, neededBytes, totalBytes } = disk;
      if (neededBytes === 0n) return [];
      if (freeBytes < neededBytes) {
        const words = `${path} on ${node.node} has ${bytesText(freeBytes)} free; ${bytesText(neededBytes)} are needed`;
        return [refusal('SPACE_TOO_LITTLE', words, node.node)];
      }
      const keptBytes = thresholdBytes(threshold, totalBytes);
      if (freeBytes - neededBytes >= keptBytes || keptBytes === 0n) return [];
      const words =
        `${path} on ${node.node} would have ${bytesText(freeBytes - neededBytes)} left; ` +
        `kubelet evicts below ${threshold} (${bytesText(keptBytes)})`;
      return [refusal('KUBELET_THRESHOLD', words, node.node)];
    });
  });
};

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Kubelet's notation: "10%", "1Gi", "500M"; 0 where unset or unreadable. */
export function thresholdBytes(text: string, totalBytes: bigint): bigint {
  const match = /^(\d+(?:\.\d+)?)(%|k|[MGT]|[KMGT]i|)$/.exec(text.trim());
  if (match === null) return 0n;
  const [, figure = '0', unit = ''] = match;
  if (unit === '%') return (totalBytes * BigInt(Math.round(Number(figure) * 100))) / 10_000n;
  return BigInt(Math.round(Number(figure) * (UNIT_BYTES[unit] ?? 0)));
}
