import type { Collector } from '../collector.ts';
import { takeDigests } from '../digests.ts';

const PLACES = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/etc/systemd/user',
  '/root/.config/systemd/user',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

/** What the service manager starts: units, their drop-ins, timers, and what is linked to be started. */
export const units: Collector = {
  name: 'units',
  about: 'systemd units, timers and drop-ins by name, digest, owner and time',
  when: 'always',
  collect: (collecting) => takeDigests(collecting, 'units', PLACES, (text) => ({ starts: startsOf(text) })),
};

/** The lines that say what runs: the first thing that anybody asks of a strange unit. */
function startsOf(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(?<key>Exec[A-Za-z]+|OnCalendar|OnBootSec|OnUnitActiveSec)\s*=/u.exec(line);
    return match === null ? [] : [line.trim().slice(0, MAX_LINE)];
  });
}

const MAX_LINE = 400;
