import { at, type JsonObject, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import type { Author } from './finding.ts';

const UNKNOWN: Author = { tool: '', at: '' };

/** Who wrote this version last, by its managedFields; else when it was created. */
export function authorOf(object: JsonObject): Author {
  const metadata = at(object, 'metadata');
  const entries = listOf(at(metadata, 'managedFields')).map((entry) => ({
    tool: textOf(at(entry, 'manager')),
    at: textOf(at(entry, 'time')),
  }));
  // A status is written by whoever watches over the object, again and again: its spec's author is wanted.
  const ofSpec = entries.filter(
    (_, index) => textOf(at(listOf(at(metadata, 'managedFields'))[index], 'subresource')) === '',
  );
  const candidates = ofSpec.length > 0 ? ofSpec : entries;
  if (candidates.length > 0) return candidates.reduce((last, entry) => (entry.at >= last.at ? entry : last));
  const created = textOf(at(metadata, 'creationTimestamp'));
  return created === '' ? UNKNOWN : { tool: '', at: created };
}
