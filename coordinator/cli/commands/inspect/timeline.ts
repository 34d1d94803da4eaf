import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { keyText } from '../../../analysis/asked.ts';
import { collectFacts } from '../../../analysis/timeline/collect.ts';
import { type Fact, type FactFilter, Facts, factFilter } from '../../../analysis/timeline/fact.ts';
import { timesketchLine } from '../../../analysis/timeline/timesketch.ts';
import type { Answer } from '../../answer.ts';
import { withEvidence } from '../../evidence-file.ts';
import type { Invocation } from '../../invocation.ts';
import { longAnswer } from '../../long-answer.ts';
import { type DecodeOptions, decoderFor } from '../../object-decoder.ts';
import { printable } from '../../plain.ts';
import { factLine, type TimelineHead, timelineHead, timelineTail } from '../../render/inspect/timeline.ts';
import { intervalView, iso } from './views.ts';

export interface TimelineOptions extends DecodeOptions {
  readonly since?: number;
  readonly until?: number;
  readonly tool?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly user?: string;
  readonly all: boolean;
  readonly format?: 'timesketch';
}

/** Every change that the stores still show, in order of time, with what says so. */
export function showTimeline(
  invocation: Invocation,
  files: readonly string[],
  options: TimelineOptions,
): Answer {
  const { facts, heartbeats } = gatherFacts(invocation, files, options);
  const head: TimelineHead = { files, facts: facts.size, heartbeats };
  if (options.format === 'timesketch') return timesketchAnswer(facts, head);
  return longAnswer<Fact>({
    head: { ...head },
    list: 'timeline',
    each: (visit) => facts.each(visit),
    json: factView,
    name: ({ key }) => keyText(key).key,
    before: (layout) => timelineHead(layout, head),
    lines: factLine,
    after: (layout) => timelineTail(layout, head),
  });
}

export function gatherFacts(
  invocation: Invocation,
  files: readonly string[],
  options: Omit<TimelineOptions, 'format'>,
  opening: { readonly again?: boolean } = {},
): { readonly facts: Facts; readonly heartbeats: number } {
  const facts = new Facts({ several: files.length > 1 });
  const wanted = factFilter(filterOf(options));
  let heartbeats = 0;
  for (const file of files) {
    const tell = (evidence: Evidence): void => {
      const decoder = decoderFor(evidence, options);
      const collected = collectFacts(evidence, decoder, options, (fact) => {
        if (wanted(fact)) facts.add(fact);
      });
      heartbeats += collected.heartbeats;
    };
    withEvidence(invocation, file, tell, opening);
  }
  return { facts, heartbeats };
}

function filterOf({
  since,
  until,
  tool,
  resource,
  namespace,
  user,
}: Omit<TimelineOptions, 'format'>): FactFilter {
  return {
    ...(since === undefined ? {} : { sinceMs: since }),
    ...(until === undefined ? {} : { untilMs: until }),
    ...(tool === undefined ? {} : { tool }),
    ...(resource === undefined ? {} : { resource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(user === undefined ? {} : { user }),
  };
}

function timesketchAnswer(facts: Facts, head: TimelineHead): Answer {
  return {
    data: { ...head },
    render: () => [],
    write: (out) =>
      facts.each((fact) => {
        const line = timesketchLine(fact);
        if (line !== undefined) out(`${printable(line)}\n`);
      }),
  };
}

function factView({ key, timeMs, interval, ...fact }: Fact): object {
  return {
    ...(timeMs === undefined ? {} : { time: iso(timeMs) }),
    ...intervalView(interval),
    ...keyText(key),
    ...fact,
  };
}
