import { utf8 } from '../../../analysis/resource-name.ts';
import type { Version } from '../../../analysis/versions.ts';
import { clean, heading, type Layout, type Tone, tone, wrap } from '../layout.ts';
import { bytes, count, plural } from '../units.ts';
import { authorText, carvedFrom, fieldLines, foldedLines, momentText } from './changes.ts';

const REVISION_WIDTH = 10;
const WHAT: Record<Version['operation'], { readonly word: string; readonly tone: Tone }> = {
  created: { word: 'created', tone: 'green' },
  changed: { word: 'changed', tone: 'yellow' },
  deleted: { word: 'deleted', tone: 'red' },
  kept: { word: 'was there', tone: 'dim' },
};

export interface HistoryPage {
  readonly key: string;
  readonly compactRevision: number;
  readonly versions: readonly Version[];
}

/** Every version of a key under each other, with what changed in each. */
export function historyPage(layout: Layout, { key, compactRevision, versions }: HistoryPage): string[] {
  return [
    heading(layout, clean(layout, utf8(key))),
    ...versions.flatMap((version) => ['', ...versionLines(layout, version)]),
    '',
    ...wrap(layout, boundary(versions, compactRevision)),
  ];
}

function versionLines(layout: Layout, version: Version): string[] {
  const { revision, operation, authorship, interval, changes, undecoded } = version;
  const { word, tone: colour } = WHAT[operation];
  const who = operation === 'deleted' ? 'nothing says by whom' : `by ${authorText(authorship)}`;
  const first = `${count(revision)} ${word} ${momentText(authorship, interval)}, ${who}`;
  const start = Math.max(0, REVISION_WIDTH - count(revision).length);
  const [line = '', ...rest] = wrap(layout, first, REVISION_WIDTH + 2, start);
  return [
    painted(layout, line, word, colour),
    ...rest,
    ...noteLines(layout, version),
    ...(undecoded === '' ? [] : wrap(layout, undecoded, REVISION_WIDTH + 2)),
    ...(changes === undefined
      ? []
      : changes.length === 0
        ? same(layout, version)
        : fieldLines(layout, changes)),
    ...foldedLines(layout, version.foldedFields),
  ];
}

function painted(layout: Layout, line: string, word: string, colour: Tone): string {
  const at = line.indexOf(word);
  if (at < 0) return line;
  return line.slice(0, at) + tone(layout, colour, word) + line.slice(at + word.length);
}

function noteLines(
  layout: Layout,
  { operation, sizeBytes, lease, carvedPage, missing, version }: Version,
): string[] {
  const notes = [
    operation === 'deleted' && sizeBytes === 0 ? '' : bytes(sizeBytes),
    version > 0 ? `version ${count(version)}` : '',
    lease === '' ? '' : `lease ${lease}`,
    missing > 0 ? `${plural(missing, 'version')} before it not in the store any more` : '',
    carvedPage === undefined ? '' : `${carvedFrom(carvedPage)}: the store itself has given it up`,
  ].filter((note) => note !== '');
  if (notes.length === 0) return [];
  return wrap(layout, notes.join(', '), REVISION_WIDTH + 2).map((line) => tone(layout, 'dim', line));
}

function same(layout: Layout, { foldedFields }: Version): string[] {
  if (foldedFields > 0) return [];
  return wrap(layout, 'nothing that is stored differs from the version before', 6);
}

function boundary(versions: readonly Version[], compactRevision: number): string {
  const kept = plural(versions.length, 'version');
  return compactRevision === 0
    ? `${kept}; nothing was ever compacted.`
    : `${kept}; what was superseded up to revision ${count(compactRevision)} was compacted away.`;
}
