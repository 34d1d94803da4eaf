import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

import { errorCodeOf } from '../../adapters/host-files.ts';

/** Where the hierarchies of control groups are: the unified one, and systemd's own of before. */
const HIERARCHIES = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd'] as const;

/** What systemd prints where it counts nothing: no control group is left. */
const NOT_COUNTED = new Set(['', '[not set]', '18446744073709551615']);

/**
 * Why a unit may have processes left, by what systemd counts in its control group; undefined where
 * it has none. A unit may be inactive and yet have left some behind (KillMode=process).
 */
export function tasksLeft(properties: ReadonlyMap<string, string>): string | undefined {
  const tasks = properties.get('TasksCurrent') ?? '';
  if (NOT_COUNTED.has(tasks) || tasks === '0') return undefined;
  return `systemd counts ${tasks} tasks in its control group`;
}

/** Processes in a control group, by the kernel's own list; none where there is no such group. */
export function groupMembers(controlGroup: string, hierarchies: readonly string[] = HIERARCHIES): number[] {
  if (controlGroup === '' || controlGroup === '/') return [];
  return hierarchies.flatMap((hierarchy) => {
    try {
      const text = readFileSync(join(hierarchy, controlGroup, 'cgroup.procs'), 'utf8');
      return text.split('\n').filter(Boolean).map(Number);
    } catch (thrown) {
      if (['ENOENT', 'ENODEV', 'ENOTDIR'].includes(errorCodeOf(thrown) ?? '')) return [];
      throw new LockstepError('STOP_UNPROVEN', {
        message: `The control group ${controlGroup} could not be read.`,
        cause: thrown,
      });
    }
  });
}
