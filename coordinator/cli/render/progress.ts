import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { phaseName } from '../../core/phases.ts';
import {
  availability,
  isCommitted,
  type NodeState,
  type PhaseProgress,
  type Progress,
  remainingMs,
  runningPhase,
} from '../progress.ts';
import { clean, clip, heading, type Layout, symbols, tone, widthOf, wrap } from './layout.ts';
import { failure } from './refusals.ts';
import { bytes, clock, duration } from './units.ts';
import { outcomeWord, RESTORE_PHASES } from './words.ts';

/** What a frame says besides the progress itself. */
export interface ProgressPage {
  readonly progress: Progress;
  readonly cluster: string;
  readonly snapshotId: string;
  readonly operationId: string;
  readonly expectedOutageMs: number;
  readonly maxOutageMs: number;
  readonly nowMs: number;
  /** Not empty while the coordinator does not answer. */
  readonly trouble: string;
}

/** One frame of a live display: what is behind, what runs on which node, what is to come. */
export function progressFrame(layout: Layout, page: ProgressPage): string[] {
  const { progress, nowMs } = page;
  const current = runningPhase(progress);
  const done = progress.phases.filter(({ durationMs }) => durationMs !== undefined);
  const undoing = progress.undo !== undefined;
  const reached = Math.max(-1, ...progress.phases.map(({ phase }) => RESTORE_PHASES.indexOf(phase as never)));
  const pending = undoing ? [] : RESTORE_PHASES.slice(reached + 1);
  const mark = symbols(layout);
  return [
    heading(
      layout,
      clean(
        layout,
        `${undoing ? 'Bringing back' : 'Restoring'} ${page.cluster} ${undoing ? 'as it was' : `to ${page.snapshotId}`}`,
      ),
    ),
    tone(layout, 'dim', clip(layout, page.operationId, layout.width)),
    '',
    ...phaseList(
      layout,
      mark.done,
      done.map((one) => `${phaseName(one.phase)} ${duration(one.durationMs ?? 0)}`),
      'green',
    ),
    ...(current === undefined ? [] : running(layout, current, progress.nodes, nowMs)),
    ...phaseList(layout, mark.pending, pending.map(phaseName), 'dim'),
    '',
    ...footer(layout, page),
  ];
}

function phaseList(layout: Layout, mark: string, words: readonly string[], name: 'green' | 'dim'): string[] {
  if (words.length === 0) return [];
  const separator = ` ${symbols(layout).dot} `;
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const longer = line === '' ? word : line + separator + word;
    if (widthOf(longer) + 4 > layout.width && line !== '') {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((text, index) =>
    index === 0
      ? `  ${tone(layout, name, mark)} ${name === 'dim' ? tone(layout, 'dim', text) : text}`
      : `    ${name === 'dim' ? tone(layout, 'dim', text) : text}`,
  );
}

function running(
  layout: Layout,
  { phase, startedMs }: PhaseProgress,
  nodes: readonly NodeState[],
  nowMs: number,
): string[] {
  const nameWidth = Math.min(24, Math.max(4, ...nodes.map(({ node }) => widthOf(node))));
  const undo = phase === Phase.PHASE_UNDO;
  return [
    `  ${tone(layout, undo ? 'yellow' : 'cyan', undo ? symbols(layout).undone : symbols(layout).running)} ${tone(layout, 'bold', phaseName(phase))}  ${duration(nowMs - startedMs)}`,
    ...nodes.map((state) => nodeLine(layout, state, nameWidth, nowMs)),
  ];
}

const BAR_WIDTH = 16;

function nodeLine(layout: Layout, state: NodeState, nameWidth: number, nowMs: number): string {
  const name = clip(layout, clean(layout, state.node), nameWidth).padEnd(nameWidth);
  const room = layout.width - 6 - nameWidth - 2;
  if (state.failure !== undefined) {
    return `      ${name}  ${tone(layout, 'red', clip(layout, clean(layout, `failed: ${state.failure.message}`), room))}`;
  }
  if (state.done) return `      ${name}  ${tone(layout, 'green', 'done')}`;
  if (state.step === '') return `      ${name}  ${tone(layout, 'dim', 'waiting')}`;
  const step = clean(layout, state.step);
  if (state.totalBytes === 0) return `      ${name}  ${clip(layout, step, room)}`;
  const share = Math.min(1, state.doneBytes / state.totalBytes);
  const left = remainingMs(state, nowMs);
  const figures = [
    `${Math.floor(share * 100)}%`.padStart(4),
    `${bytes(state.doneBytes)} of ${bytes(state.totalBytes)}`,
    ...(left === undefined || left < 1_000 ? [] : [`${duration(left)} left`]),
  ].join('  ');
  return `      ${name}  ${clip(layout, `${step}  ${bar(layout, share)} ${figures}`, room)}`;
}

function bar(layout: Layout, share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  const [on, off] = layout.unicode ? ['█', '░'] : ['#', '.'];
  return on.repeat(full) + off.repeat(BAR_WIDTH - full);
}

function footer(layout: Layout, page: ProgressPage): string[] {
  const { progress, nowMs } = page;
  const { state, downMs } = availability(progress, nowMs);
  const expected = duration(page.expectedOutageMs);
  const limit = page.maxOutageMs === 0 ? '' : `, at most ${duration(page.maxOutageMs)}`;
  const undoing = progress.undo !== undefined;
  const api = {
    'before-downtime': undoing
      ? 'The API serves.'
      : `The API serves; about ${expected} without it are to come.`,
    down: `No API for ${duration(downMs)}; about ${expected} were expected${limit}.`,
    back: `The API serves again, after ${duration(downMs)} without it.`,
  }[state];
  const way = undoing
    ? 'Nothing was committed; the old store is brought back.'
    : isCommitted(progress)
      ? 'Committed: from here there is only forward.'
      : 'Until commit every failure brings the old store back.';
  return [
    ...wrap(layout, `${duration(nowMs - (progress.startedMs || nowMs))} so far. ${api}`, 2),
    ...wrap(layout, way, 2).map((line) => tone(layout, 'dim', line)),
    ...(progress.undo?.cause === undefined
      ? []
      : [
          '',
          ...failure({ ...layout, width: layout.width - 2 }, progress.undo.cause, false).map(
            (line) => `  ${line}`,
          ),
          '',
        ]),
    ...progress.notices.flatMap((notice) =>
      wrap(layout, notice, 2).map((line) => tone(layout, 'yellow', line)),
    ),
    ...(page.trouble === '' ? [] : wrap(layout, page.trouble, 2).map((line) => tone(layout, 'yellow', line))),
    ...(progress.ended === undefined
      ? [tone(layout, 'dim', clip(layout, '  Ctrl-C detaches; the operation goes on.', layout.width))]
      : []),
  ];
}

const PHASE_COLUMN = 17;
/** Narrower pages have no room for columns. */
const ALIGNED_WIDTH = 72;

/**
 * One event as a line of a log; none for what only moves a figure. `before` is the progress
 * without the event.
 */
export function eventLine(layout: Layout, before: Progress, { event, atMs }: OperationEvent): string[] {
  const line = (phase: Phase | undefined, text: string): string[] => {
    const word = phase === undefined ? '' : phaseName(phase);
    if (layout.width < ALIGNED_WIDTH) return wrap(layout, `${clock(atMs)} ${word} ${text}`, 4, 0);
    const head = `${clock(atMs)}  ${word.padEnd(PHASE_COLUMN)}  `;
    const [first = '', ...rest] = wrap(layout, text, head.length);
    return [head + first.trimStart(), ...rest];
  };
  switch (event?.$case) {
    case 'phaseStarted':
      return line(event.value.phase, 'begins');
    case 'phaseEnded': {
      const { phase, durationMs } = event.value;
      const broken = before.undo !== undefined && phase !== Phase.PHASE_UNDO;
      return line(phase, `${broken ? 'ended after' : 'done in'} ${duration(durationMs)}`);
    }
    case 'nodeProgress': {
      const { node, step, done, phase } = event.value;
      const was = before.nodes.find((state) => state.node === node);
      if (was?.step === step && was.done === done) return [];
      return line(phase, `${node}: ${done ? 'done' : step}`);
    }
    case 'nodeFailed': {
      const { failure: why, phase } = event.value;
      return line(phase, `${why?.node || 'a node'}: failed, ${why?.code ?? ''}: ${why?.message ?? ''}`);
    }
    case 'undoStarted': {
      const { fromPhase, cause } = event.value;
      return line(
        Phase.PHASE_UNDO,
        `back from ${phaseName(fromPhase)}, because of ${cause?.code ?? 'a request'}`,
      );
    }
    case 'operationEnded':
      return line(undefined, outcomeWord(event.value.outcome));
    case 'notice':
      return line(undefined, event.value.message);
    default:
      return [];
  }
}
