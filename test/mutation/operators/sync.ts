import type { Proposal } from '../mutant.ts';
import { calleeName, ownerOf, type Source } from '../syntax.ts';

const SYNCS: ReadonlySet<string> = new Set([
  'sync',
  'datasync',
  'fsync',
  'fsyncSync',
  'fdatasyncSync',
  'synced',
  'syncPath',
  'syncDirectory',
  'syncNames',
  'syncNamesIn',
  'syncOrFail',
]);

/** Each call that makes something durable is left out; each pragma of the database too. */
export function syncs(source: Source): Proposal[] {
  return source.places.flatMap((place): Proposal[] => {
    const { node } = place;
    const owner = ownerOf(place);
    if (SYNCS.has(calleeName(node) ?? '')) {
      const { start, end } = node;
      return [{ operator: 'sync', how: 'left out', owner, changes: [{ start, end, text: 'undefined' }] }];
    }
    if (node.type !== 'Literal' && node.type !== 'TemplateElement') return [];
    const text = source.text.slice(node.start, node.end);
    return [...text.matchAll(/PRAGMA (journal_mode|synchronous|foreign_keys) = (\w+);/g)].map((match) => {
      const start = node.start + match.index;
      const weak = { journal_mode: 'MEMORY', synchronous: 'OFF', foreign_keys: 'OFF' }[match[1] ?? ''];
      const change = { start, end: start + match[0].length, text: `PRAGMA ${match[1]} = ${weak};` };
      return { operator: 'sync', how: 'weakened', owner, changes: [change] };
    });
  });
}
