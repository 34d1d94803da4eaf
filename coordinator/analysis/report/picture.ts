import type { Severity } from '../findings/finding.ts';
import { type Html, html } from './html.ts';
import type { Bucket, Mark, Timeline } from './timeline.ts';
import { instantText } from './words.ts';

/** All in the units of the picture's own box. */
interface Frame {
  readonly width: number;
  readonly left: number;
  readonly right: number;
  readonly barsHeight: number;
  readonly ticks: number;
}

const WIDE: Frame = { width: 980, left: 74, right: 16, barsHeight: 96, ticks: 7 };
const NARROW: Frame = { width: 350, left: 8, right: 8, barsHeight: 72, ticks: 3 };

const LANES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];
const TOP = 26;
const LANE_HEIGHT = 26;
const MARK_RADIUS = 10;
/** Nearer marks of one lane are drawn as one, with how many they are. */
const MARK_ROOM = 2 * MARK_RADIUS + 12;
/** Of the picture, for all that was before the focus. */
const BEFORE_SHARE = 0.26;

/** The store's time as a picture: what was written above, findings below by severity. Twice, for two widths. */
export function pictures(timeline: Timeline): Html {
  return html`<div class="wide">${picture(timeline, WIDE, 'wide')}</div>
<div class="narrow">${picture(timeline, NARROW, 'narrow')}</div>`;
}

function picture(timeline: Timeline, frame: Frame, id: string): Html {
  const { span, marks } = timeline;
  if (span === undefined) return html``;
  const x = scaleOf(timeline, frame);
  const lanes = LANES.filter((severity) => marks.some((mark) => mark.severity === severity));
  const lanesTop = TOP + frame.barsHeight + 14;
  const axisAt = lanesTop + lanes.length * LANE_HEIGHT + 6;
  const height = axisAt + 40;
  const title = `${marks.length} findings and the writes around them, ${instantText(span.fromMs)} to ${instantText(span.toMs)}`;
  return html`<svg viewBox="0 0 ${frame.width} ${height}" role="img" aria-labelledby="picture-${id}">
<title id="picture-${id}">${title}. The list below says the same in words.</title>
${focus(timeline, frame, x, axisAt)}
${bars(timeline, x, frame)}
${lanes.map((severity, index) => lane(severity, marks, x, frame, lanesTop + index * LANE_HEIGHT))}
${event(timeline.baselineMs, 'baseline', x, frame, axisAt, 0)}
${event(timeline.compactedMs, 'compacted up to here', x, frame, axisAt, 1)}
${axis(timeline, x, frame, axisAt)}
</svg>`;
}

type Scale = (timeMs: number) => number;

function scaleOf({ span, focusMs }: Timeline, { width, left, right }: Frame): Scale {
  const { fromMs, toMs } = span ?? { fromMs: 0, toMs: 1 };
  const room = width - left - right;
  const linear = (ms: number, from: number, to: number, start: number, length: number): number =>
    start + (Math.min(Math.max(ms, from), to) - from) * (length / Math.max(1, to - from));
  if (focusMs === undefined) return (ms) => linear(ms, fromMs, toMs, left, room);
  const before = room * BEFORE_SHARE;
  return (ms) =>
    ms < focusMs
      ? linear(ms, fromMs, focusMs, left, before)
      : linear(ms, focusMs, toMs, left + before, room - before);
}

function focus({ focusMs }: Timeline, { width, right }: Frame, x: Scale, axisAt: number): Html | undefined {
  if (focusMs === undefined) return undefined;
  const at = x(focusMs);
  return html`<rect class="focus" x="${fixed(at)}" y="${TOP - 20}" width="${fixed(width - right - at)}" height="${axisAt - TOP + 20}" rx="4"/>
<line class="edge" x1="${fixed(at)}" x2="${fixed(at)}" y1="${TOP - 20}" y2="${axisAt}"/>
<text x="${fixed(at + 6)}" y="${TOP - 6}" class="strong">enlarged</text>`;
}

/**
 * Heights by the square root, so that one wave of writes does not flatten all others; what is enlarged
 * has a scale of its own, for its stretches are shorter.
 */
function bars({ buckets, focusMs }: Timeline, x: Scale, { barsHeight, left }: Frame): Html {
  const totalOf = ({ created, changed, deleted }: Bucket): number => created + changed + deleted;
  const isFocus = ({ startMs }: Bucket): boolean => focusMs !== undefined && startMs >= focusMs;
  const mostOf = (side: boolean): number =>
    Math.max(1, ...buckets.filter((each) => isFocus(each) === side).map(totalOf));
  const most = { before: mostOf(false), inFocus: mostOf(true) };
  const base = TOP + barsHeight;
  const drawn = buckets.map((bucket) => {
    const { startMs, endMs, created, changed, deleted } = bucket;
    const total = totalOf(bucket);
    if (total === 0) return html``;
    const [start, end] = [x(startMs), x(endMs)];
    const whole = Math.max(
      2,
      Math.sqrt(total / (isFocus(bucket) ? most.inFocus : most.before)) * (barsHeight - 8),
    );
    let at = base;
    const part = (count: number, kind: string): Html | undefined => {
      if (count === 0) return undefined;
      const size = Math.max(1, (whole * count) / total);
      at -= size;
      return html`<rect class="${kind}" x="${fixed(start + 0.4)}" y="${fixed(at)}" width="${fixed(Math.max(0.8, end - start - 0.8))}" height="${fixed(size)}"/>`;
    };
    return html`<g><title>${instantText(startMs)} to ${instantText(endMs)}: ${created} created, ${changed} changed, ${deleted} deleted</title>${[part(changed, 'changed'), part(created, 'created'), part(deleted, 'deleted')]}</g>`;
  });
  return html`<line class="axis" x1="${left}" x2="${fixed(x(Number.MAX_SAFE_INTEGER))}" y1="${base + 0.5}" y2="${base + 0.5}"/>
${left > 40 ? html`<text x="0" y="${base - 4}">writes</text>` : undefined}${drawn}`;
}

function lane(
  severity: Severity,
  marks: readonly Mark[],
  x: Scale,
  { left, width, right }: Frame,
  top: number,
): Html {
  const middle = top + LANE_HEIGHT / 2;
  const own = marks
    .filter((mark) => mark.severity === severity)
    .map((mark) => ({
      mark,
      at: Math.min(Math.max(x(mark.timeMs), left + MARK_RADIUS), width - right - MARK_RADIUS),
    }))
    .sort((a, b) => a.at - b.at);
  const groups: { at: number; marks: Mark[] }[] = [];
  for (const { mark, at } of own) {
    const last = groups.at(-1);
    if (last !== undefined && at - last.at < MARK_ROOM) last.marks.push(mark);
    else groups.push({ at, marks: [mark] });
  }
  return html`<line class="grid" x1="${left}" x2="${width - right}" y1="${middle}" y2="${middle}"/>
${left > 40 ? html`<text x="0" y="${middle + 4}">${severity}</text>` : undefined}
${groups.map((group) => markGroup(severity, group.at, middle, group.marks))}`;
}

function markGroup(severity: Severity, at: number, middle: number, marks: readonly Mark[]): Html {
  const [first] = marks;
  if (first === undefined) return html``;
  const words = marks.map(({ number, title, subject }) => `${number}. ${title}: ${subject}`).join('\n');
  const several = marks.length > 1;
  const label = several ? `${first.number}+${marks.length - 1}` : String(first.number);
  const half = several ? MARK_RADIUS + 5 : MARK_RADIUS;
  return html`<a href="#finding-${first.number}"><title>${words}</title><rect class="${severity}" x="${fixed(at - half)}" y="${middle - MARK_RADIUS}" width="${2 * half}" height="${2 * MARK_RADIUS}" rx="${MARK_RADIUS}"/><text class="onmark" x="${fixed(at)}" y="${middle}">${label}</text></a>`;
}

function event(
  timeMs: number | undefined,
  label: string,
  x: Scale,
  { width }: Frame,
  axisAt: number,
  row: number,
): Html | undefined {
  if (timeMs === undefined) return undefined;
  const at = x(timeMs);
  const onRight = at > width * 0.72;
  return html`<line class="event" x1="${fixed(at)}" x2="${fixed(at)}" y1="${TOP - 2}" y2="${axisAt}"><title>${label}: ${instantText(timeMs)}</title></line>
<text x="${fixed(onRight ? at - 5 : at + 5)}" y="${TOP + 9 + row * 14}" text-anchor="${onRight ? 'end' : 'start'}">${label}</text>`;
}

const STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
  604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
].map((seconds) => seconds * 1000);

/** Of a label such as 10:41:45: so far from the edge none is cut off. */
const TICK_HALF_WIDTH = 30;

function axis(
  { span, focusMs }: Timeline,
  x: Scale,
  { left, width, right, ticks }: Frame,
  axisAt: number,
): Html {
  if (span === undefined) return html``;
  const from = focusMs ?? span.fromMs;
  const step = STEPS_MS.find((each) => (span.toMs - from) / each <= ticks) ?? (span.toMs - from) / ticks;
  const times: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= span.toMs && times.length < 2 * ticks; at += step)
    times.push(at);
  const iso = (ms: number): string => new Date(ms).toISOString();
  const short = (ms: number): string =>
    step >= 86_400_000
      ? iso(ms).slice(5, 10)
      : step >= 60_000
        ? iso(ms).slice(11, 16)
        : iso(ms).slice(11, 19);
  return html`<line class="axis" x1="${left}" x2="${width - right}" y1="${axisAt + 0.5}" y2="${axisAt + 0.5}"/>
${times.map((ms) => html`<line class="axis" x1="${fixed(x(ms))}" x2="${fixed(x(ms))}" y1="${axisAt}" y2="${axisAt + 4}"/><text x="${fixed(Math.min(x(ms), width - TICK_HALF_WIDTH))}" y="${axisAt + 17}" text-anchor="middle">${short(ms)}</text>`)}
<text x="${left}" y="${axisAt + 34}">${iso(span.fromMs).slice(0, 10)}</text>
<text x="${width - right}" y="${axisAt + 34}" text-anchor="end">${instantText(span.toMs)}</text>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
