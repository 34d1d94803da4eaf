import type { JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';
import { authorship, latestOf, managerEntries } from '../authorship.ts';
import type { Author } from './finding.ts';

/** Who wrote this version and when, where it can be told from the one before, or from itself. */
export function authorOf(
  object: JsonObject,
  before: { readonly object?: JsonObject; readonly created: boolean },
): Author {
  const { tool, basis, stamp } = authorship(object, before);
  // A status is written by whoever watches over the object, again and again: its spec's author is wanted.
  const ofSpec =
    basis === 'newest'
      ? latestOf(managerEntries(object).filter(({ subresource }) => subresource === ''))
      : undefined;
  const timeMs = ofSpec === undefined ? stamp?.timeMs : ofSpec.timeMs;
  return { tool: ofSpec?.manager ?? tool, at: timeMs === undefined ? '' : instant(timeMs) };
}

/** As managedFields have it: to the second. */
function instant(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('.000Z', 'Z');
}
