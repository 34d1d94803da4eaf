import {
  type Bisection,
  earliestObject,
  type Looked,
  type Unreadable,
} from '../../../analysis/findings/bisect.ts';
import type { Finding } from '../../../analysis/findings/finding.ts';
import { heading, type Layout, tone, wrap } from '../layout.ts';
import { table } from '../table.ts';
import { count, instant, plural } from '../units.ts';
import { SEVERITY_TONES, sinceText } from './findings.ts';

export function bisectionPage(
  layout: Layout,
  bisection: Bisection,
  unreadable: readonly Unreadable[],
): string[] {
  const { snapshots, lastClean, firstUnclean, ended, cleanAgain } = bisection;
  return [
    ...table<Looked>(
      layout,
      [
        { title: 'SNAPSHOT', value: ({ file }) => file },
        { title: 'REVISION', value: ({ revision }) => count(revision), align: 'right' },
        {
          title: 'TAKEN',
          value: ({ takenAtMs }) => (takenAtMs === undefined ? '' : instant(takenAtMs)),
          dropAt: 2,
        },
        {
          title: 'FINDINGS',
          value: ({ findings }) => count(findings.length),
          align: 'right',
          tone: ({ findings }) => (findings.length > 0 ? 'red' : 'green'),
        },
        {
          title: 'NOT READ',
          value: ({ unread }) => (unread === 0 ? '' : count(unread)),
          align: 'right',
          dropAt: 1,
        },
      ],
      snapshots,
    ),
    '',
    ...wrap(layout, verdict(bisection)),
    ...(ended.length === 0 ? [] : ['', heading(layout, `What ended it, in ${firstUnclean?.file ?? ''}`)]),
    ...ended.flatMap((finding) => endedLines(layout, finding)),
    ...cleanAgain.flatMap(({ file }) =>
      wrap(
        layout,
        `${file} shows nothing, but comes after one that does: what was done was undone, or its traces are gone.`,
      ),
    ),
    ...(unreadable.length === 0 ? [] : ['', heading(layout, 'Could not be read, and are in none of this')]),
    ...unreadable.flatMap(({ file, code, message }) =>
      wrap(layout, `${message.includes(file) ? '' : `${file}: `}${message} (${code})`, 4, 2),
    ),
    ...(lastClean !== undefined && lastClean.unread > 0
      ? wrap(
          layout,
          `Of the last clean one ${plural(lastClean.unread, 'object')} could not be looked into: clean is said of the rest.`,
        )
      : []),
  ];
}

function verdict({ lastClean, firstUnclean, snapshots }: Bisection): string {
  if (firstUnclean === undefined) {
    return snapshots.length === 1
      ? 'Nothing is found in it.'
      : `Nothing is found in any of ${count(snapshots.length)} snapshots.`;
  }
  if (lastClean === undefined) return 'No snapshot is clean: the first of them has findings already.';
  return `The last clean one is ${lastClean.file}, revision ${count(lastClean.revision)}.`;
}

function endedLines(layout: Layout, finding: Finding): string[] {
  const { severity, title, subject, sinceRevision, author } = finding;
  const since = sinceText(sinceRevision, author);
  return [
    ...wrap(layout, `${severity}: ${title}: ${subject}`, 4, 2).map((line) =>
      tone(layout, SEVERITY_TONES[severity], line),
    ),
    ...wrap(layout, [earliestObject(finding).key, since].filter((word) => word !== '').join(', '), 6, 4),
  ];
}
