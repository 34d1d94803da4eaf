import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { DEFAULT_QUOTA_BYTES } from '../limits.ts';
import { bytesText } from '../space.ts';
import type { Check } from './check.ts';

/** A CORRUPT alarm in the snapshot is never cured; NOSPACE is, where the store fits its quota. */
export const checkAlarms: Check = ({ members, facts }) => {
  if (facts === undefined) return [];
  const found: Refusal[] = [];
  if (facts.alarms.includes('CORRUPT')) {
    found.push(refusal('ALARM_CORRUPT', 'the snapshot carries the alarm CORRUPT'));
  }
  const sizeBytes = facts.status?.totalSizeBytes ?? facts.fileSizeBytes;
  for (const { node, report } of members) {
    const quotaBytes = report.etcd.quotaBytes === 0n ? DEFAULT_QUOTA_BYTES : report.etcd.quotaBytes;
    if (sizeBytes < quotaBytes) continue;
    const words = `the snapshot is ${bytesText(sizeBytes)}; the quota on ${node} is ${bytesText(quotaBytes)}`;
    found.push(refusal('QUOTA_EXCEEDED', words, node));
  }
  return found;
};
