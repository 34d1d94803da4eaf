import type { Authorship } from '../../../analysis/authorship.ts';
import type { FieldChange } from '../../../analysis/fields.ts';
import type { Interval } from '../../../analysis/revision-clock.ts';
import { clean, clip, type Layout, tone } from '../layout.ts';
import { count, instant, plural } from '../units.ts';

const MAX_FIELDS = 12;
const INDENT = 6;

/** "spec.replicas: 2 -> 5", a line each; cut off where they are many or long, unless all are asked for. */
export function fieldLines(layout: Layout, changes: readonly FieldChange[]): string[] {
  const shown = layout.wide ? changes : changes.slice(0, MAX_FIELDS);
  const rest = changes.length - shown.length;
  const lines = shown.map((change) => {
    const text = `${' '.repeat(INDENT)}${fieldText(layout, change)}`;
    return clip(layout, text, layout.width).trimEnd();
  });
  return rest === 0
    ? lines
    : [
        ...lines,
        tone(layout, 'dim', `${' '.repeat(INDENT)}and ${plural(rest, 'field')} more; -o wide shows all`),
      ];
}

function fieldText(layout: Layout, change: FieldChange): string {
  const path = clean(layout, change.path);
  const before = valueText(layout, change.before);
  const after = valueText(layout, change.after);
  if (!('before' in change)) return `${path}: ${after} (new)`;
  if (!('after' in change)) return `${path}: ${before} (gone)`;
  return `${path}: ${before} -> ${after}`;
}

function valueText(layout: Layout, value: unknown): string {
  if (isManagerEntry(value)) return clean(layout, [value.operation, value.time].filter(Boolean).join(' at '));
  return clean(layout, typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}

/** How much bookkeeping was left out; nothing where none was. */
export function foldedLines(layout: Layout, foldedFields: number): string[] {
  if (foldedFields === 0) return [];
  const text = `${plural(foldedFields, 'field')} of bookkeeping folded`;
  return [tone(layout, 'dim', ' '.repeat(INDENT) + clip(layout, text, layout.width - INDENT))];
}

/** Who wrote it, with what it rests on where that is not the plain case; "unknown" where nothing says it. */
export function authorText({ tool, operation, subresource, basis }: Authorship): string {
  if (tool === '') return 'unknown';
  const how = [operation, subresource].filter((word) => word !== '').join(' of ');
  const text = how === '' ? tool : `${tool} (${how})`;
  return basis === 'newest' ? `${text}, or another before the history kept` : text;
}

/** When, as exactly as anything says it. */
export function momentText({ stamp }: Authorship, interval: Interval | undefined): string {
  if (stamp !== undefined) return instant(stamp.timeMs);
  const { after, before } = interval ?? {};
  if (after !== undefined && before !== undefined) {
    return `between ${instant(after.timeMs)} and ${instant(before.timeMs)}`;
  }
  if (after !== undefined) return `after ${instant(after.timeMs)}`;
  if (before !== undefined) return `before ${instant(before.timeMs)}`;
  return 'at an unknown time';
}

/** Page 0 holds no row of etcd's: kine keeps what was replaced in the row that replaced it. */
export function carvedFrom(page: number): string {
  return page === 0 ? 'told by the row that replaced it' : `carved from free page ${count(page)}`;
}

/** "revision 12", "revisions 12 -> 15" */
export function revisionsText(before: number | undefined, after: number | undefined): string {
  if (before === undefined || after === undefined || before === after) {
    return `revision ${count(after ?? before ?? 0)}`;
  }
  return `revisions ${count(before)} -> ${count(after)}`;
}

/** Of an entry of managedFields its list of fields says less than it hides. */
function isManagerEntry(value: unknown): value is { readonly operation?: string; readonly time?: string } {
  return typeof value === 'object' && value !== null && 'manager' in value && 'fieldsV1' in value;
}
