import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import type { Finding, Severity } from '../findings/finding.ts';
import type { ObjectDecoder } from '../live.ts';
import { isHeartbeat } from '../noise.ts';
import { placeOf } from '../resource-name.ts';
import { clockStamp } from '../revision-clock.ts';
import { type Anchor, RevisionTimes } from './revision-times.ts';

/** Clocks of a cluster differ by less, or its leases do not hold. */
const SLACK_MS = 60_000;
/** Of each lease's renewals one in so many tells the time well enough. */
const LEASE_STRIDE = 16;

/** Writes in one stretch of time; heartbeats are not counted. */
export interface Bucket {
  readonly startMs: number;
  readonly endMs: number;
  readonly created: number;
  readonly changed: number;
  readonly deleted: number;
}

/** One finding on the line. */
export interface Mark {
  /** The finding's number in the report, from 1. */
  readonly number: number;
  readonly severity: Severity;
  readonly title: string;
  readonly subject: string;
  readonly timeMs: number;
  /** Told by the object itself, not reckoned from its neighbours. */
  readonly exact: boolean;
}

export interface Timeline {
  /** Undefined where nothing in the store tells a time. */
  readonly span: { readonly fromMs: number; readonly toMs: number } | undefined;
  /** Shown wider than what was before it: where the findings are. */
  readonly focusMs: number | undefined;
  readonly buckets: readonly Bucket[];
  readonly marks: readonly Mark[];
  readonly baselineMs: number | undefined;
  readonly compactedMs: number | undefined;
}

const BUCKETS_BEFORE = 24;
const BUCKETS_IN_FOCUS = 72;
/** A focus that is more than this of the whole needs no lens. */
const MAX_FOCUS_SHARE = 0.35;
/** Of the focus, before its first finding. */
const LEAD_SHARE = 0.12;
const MIN_FOCUS_MS = 60_000;

/** Everything that was written, in the order of time: one walk. */
export interface Writes {
  readonly times: RevisionTimes;
  readonly revisions: readonly number[];
  readonly operations: readonly ('created' | 'changed' | 'deleted')[];
}

export function writesOf(evidence: Evidence, decoder: ObjectDecoder): Writes {
  const anchors: Anchor[] = [];
  const revisions: number[] = [];
  const operations: ('created' | 'changed' | 'deleted')[] = [];
  let leases = 0;
  evidence.rows(({ key, main, deleted, createRevision, value }) => {
    const { resource } = placeOf(key, evidence.facts.registryPrefix);
    if (resource === '') return;
    const created = !deleted && createRevision === main;
    const isLease = resource === 'leases.coordination.k8s.io';
    if (isLease) leases += 1;
    if (created || (isLease && !deleted && leases % LEASE_STRIDE === 0)) {
      const decoded = decoder.decode(value, { key, modRevision: main });
      const stamp = decoded.form === 'object' ? clockStamp(decoded.object, resource) : undefined;
      if (stamp !== undefined) anchors.push({ revision: main, timeMs: stamp.timeMs });
    }
    if (isHeartbeat(resource)) return;
    revisions.push(main);
    operations.push(deleted ? 'deleted' : created ? 'created' : 'changed');
  });
  return { times: new RevisionTimes(anchors), revisions, operations };
}

export function timelineOf(
  { times, revisions, operations }: Writes,
  findings: readonly Finding[],
  {
    baselineMs,
    compactRevision,
  }: { readonly baselineMs: number | undefined; readonly compactRevision: number },
): Timeline {
  const marks = findings.flatMap((finding, index): Mark[] => {
    const said = Date.parse(finding.author.at);
    // A write may leave every time in its object as it was: then what it tells is of an earlier one.
    const told = said < times.earliestAt(finding.sinceRevision) - SLACK_MS ? Number.NaN : said;
    const reckoned = finding.sinceRevision === 0 ? undefined : times.timeOf(finding.sinceRevision);
    const timeMs = Number.isNaN(told) ? reckoned : told;
    if (timeMs === undefined) return [];
    const { severity, title, subject } = finding;
    return [{ number: index + 1, severity, title, subject, timeMs, exact: !Number.isNaN(told) }];
  });
  const { firstMs, lastMs } = times;
  const compactedMs = compactRevision === 0 ? undefined : times.timeOf(compactRevision);
  if (firstMs === undefined || lastMs === undefined) {
    return { span: undefined, focusMs: undefined, buckets: [], marks, baselineMs, compactedMs };
  }
  const all = [
    firstMs,
    lastMs,
    ...marks.map(({ timeMs }) => timeMs),
    ...(baselineMs === undefined ? [] : [baselineMs]),
  ];
  const span = { fromMs: Math.min(...all), toMs: Math.max(...all, Math.min(...all) + 1000) };
  const focusMs = focusOf(span, marks);
  const edges = edgesOf(span, focusMs);
  const counts = edges.slice(1).map(() => ({ created: 0, changed: 0, deleted: 0 }));
  for (const [index, revision] of revisions.entries()) {
    const timeMs = times.timeOf(revision) ?? span.fromMs;
    const bucket = counts[bucketAt(edges, timeMs)];
    const operation = operations[index];
    if (bucket !== undefined && operation !== undefined) bucket[operation] += 1;
  }
  const buckets = counts.map((count, index) => ({
    startMs: edges[index] ?? 0,
    endMs: edges[index + 1] ?? 0,
    ...count,
  }));
  return { span, focusMs, buckets, marks, baselineMs, compactedMs };
}

/** From a little before the first grave finding on; undefined where that is most of the time anyway. */
function focusOf(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  marks: readonly Mark[],
): number | undefined {
  const grave = marks.filter(({ severity }) => severity === 'critical' || severity === 'high');
  const first = Math.min(...(grave.length > 0 ? grave : marks).map(({ timeMs }) => timeMs));
  if (!Number.isFinite(first)) return undefined;
  const lengthMs = Math.max(MIN_FOCUS_MS, (toMs - first) * (1 + LEAD_SHARE));
  const start = toMs - lengthMs;
  return start > fromMs && lengthMs < (toMs - fromMs) * MAX_FOCUS_SHARE ? start : undefined;
}

function edgesOf({ fromMs, toMs }: { fromMs: number; toMs: number }, focusMs: number | undefined): number[] {
  const even = (from: number, to: number, count: number): number[] =>
    Array.from({ length: count }, (_, index) => from + ((to - from) * index) / count);
  return focusMs === undefined
    ? [...even(fromMs, toMs, BUCKETS_BEFORE + BUCKETS_IN_FOCUS), toMs]
    : [...even(fromMs, focusMs, BUCKETS_BEFORE), ...even(focusMs, toMs, BUCKETS_IN_FOCUS), toMs];
}

function bucketAt(edges: readonly number[], timeMs: number): number {
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) <= timeMs) low = middle;
    else high = middle;
  }
  return low;
}
