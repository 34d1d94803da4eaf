import { at, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import { authorship } from '../../../analysis/authorship.ts';
import type { LiveObject } from '../../../analysis/live.ts';
import { placeText } from '../../../analysis/resource-name.ts';
import type { Layout } from '../layout.ts';
import { table } from '../table.ts';
import { count, instant } from '../units.ts';

/** Objects, a line each. */
export function objectTable(layout: Layout, objects: readonly LiveObject[]): string[] {
  return table<LiveObject>(
    layout,
    [
      { title: 'OBJECT', value: placeText },
      { title: 'REVISION', align: 'right', value: ({ modRevision }) => count(modRevision) },
      { title: 'CREATED', dropAt: 1, value: created },
      { title: 'LAST WRITTEN BY', dropAt: 2, value: writer },
    ],
    objects,
  );
}

function created({ decoded }: LiveObject): string {
  if (decoded.form !== 'object') return '';
  return instant(textOf(at(decoded.object, 'metadata', 'creationTimestamp'))) || 'unknown';
}

function writer({ decoded }: LiveObject): string {
  if (decoded.form !== 'object') return decoded.form;
  const { tool, stamp } = authorship(decoded.object, { created: false });
  if (tool === '') return 'unknown';
  return stamp === undefined ? tool : `${tool}, ${instant(stamp.timeMs)}`;
}
