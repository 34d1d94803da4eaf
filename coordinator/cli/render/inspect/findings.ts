import type { Author, Finding, FoundObject, RuleCard, Severity } from '../../../analysis/findings/finding.ts';
import type { Reports } from '../../../analysis/findings/rule.ts';
import type { Unread } from '../../../analysis/findings/scan.ts';
import { commandFor } from '../../../analysis/shell-word.ts';
import { clean, clip, commandLines, fields, heading, type Layout, type Tone, tone, wrap } from '../layout.ts';
import { table } from '../table.ts';
import { count, plural } from '../units.ts';

export interface FindingsPage {
  readonly file: string;
  readonly baseline: string;
  readonly revision: number;
  readonly findings: readonly Finding[];
  readonly unread: readonly Unread[];
  readonly notTold: readonly string[];
}

export const SEVERITY_TONES: Record<Severity, Tone> = {
  critical: 'red',
  high: 'red',
  medium: 'yellow',
  low: 'dim',
};
/** Of a finding; `-o wide` has them all. */
const SHOWN_OBJECTS = 4;
const SHOWN_TRAITS = 6;

export function findingsPage(layout: Layout, page: FindingsPage): string[] {
  const { file, baseline, revision, findings } = page;
  const against = baseline === '' ? '' : `, against ${baseline}`;
  return [
    heading(layout, clean(layout, `${file} at revision ${count(revision)}${against}`)),
    ...findings.flatMap((finding) => ['', ...findingLines(layout, finding, file)]),
    '',
    ...summary(layout, page),
  ];
}

function findingLines(layout: Layout, finding: Finding, file: string): string[] {
  const { severity, id, title, techniques, subject, objects, sinceRevision, why, innocent, check } = finding;
  const shown = layout.wide ? objects : objects.slice(0, SHOWN_OBJECTS);
  return [
    `${tone(layout, SEVERITY_TONES[severity], severity.padEnd(8))} ${clip(layout, clean(layout, `${title} (${techniques.join(', ')})`), layout.width - 9)}`,
    ...fields(layout, [
      ['what', subject],
      ['since', sinceText(sinceRevision, finding.author)],
    ]),
    ...shown.flatMap((object) => objectLines(layout, object)),
    ...(shown.length < objects.length
      ? [tone(layout, 'dim', `    and ${plural(objects.length - shown.length, 'more object')} (-o wide)`)]
      : []),
    ...fields(layout, [
      ['why', why],
      ['innocent', innocent],
      ['rule', id],
    ]),
    `  ${tone(layout, 'dim', 'check')}`,
    ...commandLines(layout, commandFor(check, file), 4),
  ];
}

export function sinceText(revision: number, { tool, at }: Author): string {
  const words = [
    revision === 0 ? '' : `revision ${count(revision)}`,
    at === '' ? '' : at,
    tool === '' ? '' : `by ${tool}`,
  ];
  return words.filter((word) => word !== '').join(', ');
}

const STANDING_WORDS = {
  live: '',
  overwritten: ' (in an earlier version)',
  deleted: ' (deleted)',
  carved: ' (only in what the store has given up)',
} as const;

function objectLines(layout: Layout, { key, standing, traits }: FoundObject): string[] {
  const shown = layout.wide ? traits : traits.slice(0, SHOWN_TRAITS);
  return [
    ...(key === '' ? [] : wrap(layout, `${key}${STANDING_WORDS[standing]}`, 6, 4)),
    ...shown.flatMap(({ field, value }) => wrap(layout, field === '' ? value : `${field}: ${value}`, 8, 6)),
    ...(shown.length < traits.length
      ? [tone(layout, 'dim', `      and ${count(traits.length - shown.length)} more (-o wide)`)]
      : []),
  ];
}

function summary(layout: Layout, { findings, unread, notTold }: FindingsPage): string[] {
  const found = findings.length === 0 ? 'No finding.' : `${plural(findings.length, 'finding')}.`;
  return [
    ...wrap(layout, found),
    ...unread.flatMap((each) => [...tonedWrap(layout, unreadText(each))]),
    ...notTold.flatMap((what) => wrap(layout, `Not told: ${what}.`)),
  ];
}

export function unreadText({ resource, count: amount, why }: Unread): string {
  return `Not looked into: ${count(amount)} ${resource}, ${why}.`;
}

function tonedWrap(layout: Layout, text: string): string[] {
  return wrap(layout, text).map((line) => tone(layout, 'yellow', line));
}

export function ruleTable(
  layout: Layout,
  rules: readonly (RuleCard & { readonly reports: Reports })[],
): string[] {
  return table(
    layout,
    [
      { title: 'ID', value: ({ id }) => id },
      {
        title: 'SEVERITY',
        value: ({ severity }) => severity,
        tone: ({ severity }) => SEVERITY_TONES[severity],
      },
      { title: 'TECHNIQUES', value: ({ techniques }) => techniques.join(' '), dropAt: 1 },
      { title: 'BASELINE', value: ({ reports }) => (NEEDS_BASELINE.has(reports) ? 'needed' : ''), dropAt: 2 },
      { title: 'WHAT', value: ({ title }) => title },
    ],
    rules,
  );
}

const NEEDS_BASELINE: ReadonlySet<Reports> = new Set(['new', 'changed']);
