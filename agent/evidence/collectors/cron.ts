import type { Collector } from '../collector.ts';
import { takeDigests } from '../digests.ts';

const PLACES = [
  '/etc/crontab',
  '/etc/anacrontab',
  '/etc/cron.d',
  '/etc/cron.hourly',
  '/etc/cron.daily',
  '/etc/cron.weekly',
  '/etc/cron.monthly',
  '/var/spool/cron',
];

/** What runs by the clock. */
export const cron: Collector = {
  name: 'cron',
  about: 'cron tables and scripts by name, digest, owner and time',
  when: 'always',
  collect: (collecting) => takeDigests(collecting, 'cron', PLACES),
};
