import type { DeclaredRule } from '../declared-rule.ts';
import { SYSTEM_NAMESPACES } from '../stock.ts';

/** What comes back by itself. */
export const scheduleRules: readonly DeclaredRule[] = [
  {
    id: 'LS-T1053.007-system-cron-job',
    title: 'A scheduled job runs in a namespace of the system',
    techniques: ['T1053.007'],
    severity: 'medium',
    why: 'It starts its pod again and again, also after that was found and deleted, and few look there.',
    innocent: 'A backup of etcd or a cleaner that you put there.',
    select: { resources: ['cronjobs.batch'], namespaces: SYSTEM_NAMESPACES },
    show: ['spec.schedule', 'containers[*].image'],
  },
  {
    id: 'LS-T1053.007-new-cron-job',
    title: 'A scheduled job is new, or runs something else than before',
    techniques: ['T1053.007'],
    severity: 'low',
    why: 'It starts its pod again and again, also after that was found and deleted.',
    innocent: 'A release of an application.',
    reports: 'new',
    select: { resources: ['cronjobs.batch'] },
    show: ['spec.schedule', 'containers[*].image', 'containers[*].command[*]', 'containers[*].args[*]'],
  },
];
