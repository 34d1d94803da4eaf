import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Collector } from './collector.ts';
import { apiServer } from './collectors/api-server.ts';
import { auditLogs } from './collectors/audit-logs.ts';
import { containers } from './collectors/containers.ts';
import { cron } from './collectors/cron.ts';
import { kubelet } from './collectors/kubelet.ts';
import { listeners } from './collectors/listeners.ts';
import { podLogs } from './collectors/pod-logs.ts';
import { sshKeys } from './collectors/ssh-keys.ts';
import { staticPods } from './collectors/static-pods.ts';
import { store } from './collectors/store.ts';
import { units } from './collectors/units.ts';

/** In the order of gathering: what is small and soon gone comes before what is large. */
export const COLLECTORS: readonly Collector[] = [
  listeners,
  containers,
  staticPods,
  kubelet,
  apiServer,
  sshKeys,
  units,
  cron,
  auditLogs,
  podLogs,
  store,
];

/** Throws EVIDENCE_COLLECTOR_UNKNOWN. `include`: these and no others; none: those by default. */
export function chooseCollectors(
  include: readonly string[],
  exclude: readonly string[],
  occasion: 'asked' | 'before-restore' = 'asked',
): Collector[] {
  const unknown = [...include, ...exclude].find((name) => !COLLECTORS.some((each) => each.name === name));
  if (unknown !== undefined) {
    throw new LockstepError('EVIDENCE_COLLECTOR_UNKNOWN', {
      message: `There is no collector ${JSON.stringify(unknown)}; there are: ${COLLECTORS.map(({ name }) => name).join(', ')}.`,
    });
  }
  const byDefault = (each: Collector): boolean =>
    occasion === 'asked' ? each.when !== 'asked' : each.when === 'always';
  return COLLECTORS.filter((each) =>
    include.length > 0 ? include.includes(each.name) : byDefault(each),
  ).filter(({ name }) => !exclude.includes(name));
}
