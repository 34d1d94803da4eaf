import type { Authorship } from '../../../analysis/authorship.ts';
import type { Interval } from '../../../analysis/revision-clock.ts';

/** For `-o json`: times as text, and what each rests on. */
export function authorView({ tool, operation, subresource, basis, stamp }: Authorship): object {
  return {
    tool,
    toolOperation: operation,
    subresource,
    toolFrom: basis,
    ...(stamp === undefined ? {} : { time: iso(stamp.timeMs), timeFrom: stamp.source }),
  };
}

export function intervalView(interval: Interval | undefined): object {
  if (interval === undefined) return {};
  const { after, before } = interval;
  return {
    ...(after === undefined ? {} : { after: { revision: after.revision, time: iso(after.timeMs) } }),
    ...(before === undefined ? {} : { before: { revision: before.revision, time: iso(before.timeMs) } }),
  };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
