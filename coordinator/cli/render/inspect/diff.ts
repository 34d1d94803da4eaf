import type { ObjectDiff } from '../../../analysis/diff/object-diff.ts';
import { placeText } from '../../../analysis/resource-name.ts';
import { clean, clip, heading, type Layout, type Tone, tone, wrap } from '../layout.ts';
import { count } from '../units.ts';
import { authorText, fieldLines, foldedLines, momentText, revisionsText } from './changes.ts';

export interface DiffHead {
  readonly before: { readonly file: string; readonly revision: number };
  readonly after: { readonly file: string; readonly revision: number };
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Objects that differ by noise alone, by resource. */
  readonly folded: Readonly<Record<string, number>>;
}

const SIGN: Record<ObjectDiff['change'], { readonly sign: string; readonly tone: Tone }> = {
  added: { sign: '+', tone: 'green' },
  removed: { sign: '-', tone: 'red' },
  changed: { sign: '~', tone: 'yellow' },
};

export function diffHead(layout: Layout, { before, after }: DiffHead): string[] {
  return [
    heading(layout, clean(layout, `From ${before.file}, revision ${count(before.revision)}`)),
    heading(layout, clean(layout, `to ${after.file}, revision ${count(after.revision)}`)),
    '',
  ];
}

export function diffLines(layout: Layout, diff: ObjectDiff): string[] {
  const { change, authorship, fields, foldedFields, undecoded, beforeRevision, afterRevision } = diff;
  const { sign, tone: colour } = SIGN[change];
  const name = clip(layout, `${sign} ${clean(layout, placeText(diff))}`, layout.width).trimEnd();
  const who =
    authorship === undefined ? '' : `, ${momentText(authorship, undefined)}, by ${authorText(authorship)}`;
  return [
    tone(layout, colour, name),
    ...wrap(layout, `${revisionsText(beforeRevision, afterRevision)}${who}`, 4).map((line) =>
      tone(layout, 'dim', line),
    ),
    ...fieldLines(layout, fields),
    ...(undecoded === '' ? [] : wrap(layout, undecoded, 6)),
    ...foldedLines(layout, foldedFields),
  ];
}

export function diffTail(layout: Layout, { added, removed, changed, folded }: DiffHead): string[] {
  const noise = Object.entries(folded);
  const sum = noise.reduce((total, [, objects]) => total + objects, 0);
  const kinds = noise.map(([resource, objects]) => `${resource || 'no objects'} ${count(objects)}`);
  return [
    ...(added + removed + changed === 0 ? [] : ['']),
    ...wrap(layout, `${count(added)} added, ${count(removed)} removed, ${count(changed)} changed`),
    ...(sum === 0
      ? []
      : wrap(
          layout,
          `${sum === 1 ? '1 object differs' : `${count(sum)} objects differ`} by heartbeats and bookkeeping alone (${kinds.join(', ')}); --all shows them`,
        )),
  ];
}
