import { placeText } from '../../../analysis/resource-name.ts';
import { earliestMs, type Fact } from '../../../analysis/timeline/fact.ts';
import { clean, clip, type Layout, type Tone, tone, wrap } from '../layout.ts';
import { count, instant, plural } from '../units.ts';

export interface TimelineHead {
  readonly files: readonly string[];
  readonly facts: number;
  /** Writes that were left out as noise. */
  readonly heartbeats: number;
}

const WHEN_WIDTH = 23;
const DETAIL_CHARACTERS = 160;
const TONES: Partial<Record<Fact['what'], Tone>> = { created: 'green', deleted: 'red', changed: 'yellow' };

export function timelineHead(layout: Layout, { files }: TimelineHead): string[] {
  return [
    ...wrap(layout, `What ${files.join(', ')} tell${files.length === 1 ? 's' : ''}, in order of time`),
    '',
  ];
}

/** As many lines as it takes; what an event said is cut off, unless all of it is asked for. */
export function factLine(layout: Layout, fact: Fact): string[] {
  const { what, tool, operation, user, detail, source, revision } = fact;
  const by = tool === '' ? '' : ` by ${tool}${operation === '' ? '' : ` (${operation})`}`;
  const asked = user === '' ? '' : `, asked for by ${user}`;
  const from = revision === 0 ? source : `${source} ${count(revision)}`;
  const rest = `${placeText(fact)}${by}${asked}${bounds(fact)} [${from}]${detail === '' ? '' : ` ${layout.wide ? detail : clip(layout, detail, DETAIL_CHARACTERS)}`}`;
  const text = `${whenOf(fact).padEnd(WHEN_WIDTH)}  ${what} ${clean(layout, rest)}`;
  const colour = TONES[what];
  const lines = hang(layout, text);
  if (colour === undefined) return lines;
  const [first = '', ...others] = lines;
  const at = WHEN_WIDTH + 2;
  const end = Math.min(first.length, at + what.length);
  return [first.slice(0, at) + tone(layout, colour, first.slice(at, end)) + first.slice(end), ...others];
}

function hang(layout: Layout, text: string): string[] {
  const when = text.slice(0, WHEN_WIDTH + 2);
  const [first = '', ...rest] = wrap(layout, text.slice(when.length), when.length);
  return [when + first.trimStart(), ...rest];
}

/** The time, or the earliest that it can have been. */
function whenOf(fact: Fact): string {
  const ms = earliestMs(fact);
  return ms === undefined ? 'unknown' : instant(ms);
}

function bounds({ timeMs, interval }: Fact): string {
  if (timeMs !== undefined) return '';
  const before = interval?.before === undefined ? '' : `, before ${instant(interval.before.timeMs)}`;
  return interval?.after === undefined ? before : `, at that time or later${before}`;
}

export function timelineTail(layout: Layout, { facts, heartbeats }: TimelineHead): string[] {
  const left =
    heartbeats === 0 ? '' : `; ${plural(heartbeats, 'write')} of heartbeats and bookkeeping left out (--all)`;
  return [
    '',
    ...wrap(
      layout,
      `${plural(facts, 'fact')}${left}. In brackets what says so: tools are named by managedFields, which whoever may write an object may also forge.`,
    ),
  ];
}
