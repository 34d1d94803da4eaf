import type { KeyEntry, ResourceSummary } from '../../../analysis/keys.ts';
import { utf8 } from '../../../analysis/resource-name.ts';
import { clean, clip, type Layout, tone, wrap } from '../layout.ts';
import { table } from '../table.ts';
import { bytes, count, plural } from '../units.ts';

const REVISION_WIDTH = 10;
const SIZE_WIDTH = 8;
const KIND_WIDTH = 20;
/** Narrower than this the kind is left out: the key says it too. */
const KIND_FROM_COLUMNS = 72;

/** Columns of one width for all: the list is written before its end is known. */
export function keysHead(layout: Layout): string[] {
  return [tone(layout, 'dim', line(layout, 'REVISION', 'SIZE', 'KIND', 'KEY'))];
}

export function keyLine(layout: Layout, entry: KeyEntry): string[] {
  const { key, revision, sizeBytes, kind, storedAs, encryption } = entry;
  const what = kind || (storedAs === 'encrypted' ? encryption : storedAs);
  return [line(layout, count(revision), bytes(sizeBytes), what, utf8(key))];
}

export function keysTail(
  layout: Layout,
  head: { readonly revision: number },
  total: { readonly count: number; readonly sizeBytes: number },
): string[] {
  return [
    '',
    ...wrap(
      layout,
      `${plural(total.count, 'key')}, ${bytes(total.sizeBytes)} of values, at revision ${count(head.revision)}`,
    ),
  ];
}

function line(layout: Layout, revision: string, size: string, kind: string, key: string): string {
  const kindCell =
    layout.width < KIND_FROM_COLUMNS
      ? ''
      : `${clip(layout, clean(layout, kind), KIND_WIDTH).padEnd(KIND_WIDTH)}  `;
  const before = `${revision.padStart(REVISION_WIDTH)}  ${size.padStart(SIZE_WIDTH)}  ${kindCell}`;
  return before + clip(layout, clean(layout, key), layout.width - before.length);
}

export function resourceTable(
  layout: Layout,
  head: { readonly file: string; readonly revision: number },
  resources: readonly ResourceSummary[],
): string[] {
  const total = resources.reduce((sum, one) => sum + one.count, 0);
  const size = resources.reduce((sum, one) => sum + one.sizeBytes, 0);
  return [
    ...table<ResourceSummary>(
      layout,
      [
        { title: 'RESOURCE', value: ({ resource }) => resource || '(no objects)' },
        { title: 'KEYS', align: 'right', value: (one) => count(one.count) },
        { title: 'SIZE', align: 'right', value: (one) => bytes(one.sizeBytes) },
        { title: 'ENCRYPTED', align: 'right', dropAt: 2, value: (one) => encryptedText(one) },
        { title: 'NEWEST', align: 'right', dropAt: 1, value: (one) => count(one.newestRevision) },
      ],
      resources,
    ),
    '',
    ...wrap(layout, `${plural(total, 'key')}, ${bytes(size)} of values, at revision ${count(head.revision)}`),
  ];
}

function encryptedText({ encrypted, count: all }: ResourceSummary): string {
  if (encrypted === 0) return '-';
  return encrypted === all ? 'all' : `${count(encrypted)} of ${count(all)}`;
}
