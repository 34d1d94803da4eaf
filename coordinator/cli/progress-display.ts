import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Invocation } from './invocation.ts';
import { plain, printable } from './plain.ts';
import type { Progress } from './progress.ts';
import { wrap } from './render/layout.ts';
import { eventLine, type ProgressPage, progressFrame } from './render/progress.ts';
import { clock } from './render/units.ts';
import { eventView } from './views/operations.ts';

/** What a watcher is told about the operation besides its events. */
export type WatchedOperation = Pick<
  ProgressPage,
  'cluster' | 'snapshotId' | 'operationId' | 'expectedOutageMs' | 'maxOutageMs'
>;

/** How a watch is shown: a screen that is drawn again, lines of a log, JSON lines, or nothing. */
export interface ProgressDisplay extends Disposable {
  event(before: Progress, after: Progress, event: OperationEvent): void;
  /** Empty once the coordinator answers again. */
  trouble(words: string): void;
}

export function progressDisplay(invocation: Invocation, operation: WatchedOperation): ProgressDisplay {
  switch (invocation.output) {
    case 'json':
      return jsonLines(invocation);
    case 'yaml':
    case 'name':
      return { event: () => {}, trouble: () => {}, [Symbol.dispose]: () => {} };
    default:
      return invocation.terminal.interactive ? liveScreen(invocation, operation) : logLines(invocation);
  }
}

function jsonLines({ terminal }: Invocation): ProgressDisplay {
  return {
    event: (_before, _after, event) =>
      terminal.out(`${printable(JSON.stringify(plain(eventView(event))))}\n`),
    trouble: () => {},
    [Symbol.dispose]: () => {},
  };
}

function logLines({ terminal, layout }: Invocation): ProgressDisplay {
  return {
    event: (before, _after, event) => {
      for (const line of eventLine(layout, before, event)) terminal.out(`${line}\n`);
    },
    trouble: (words) => {
      if (words !== '')
        for (const line of wrap(layout, `${clock(terminal.nowMs())}  ${words}`)) terminal.out(`${line}\n`);
    },
    [Symbol.dispose]: () => {},
  };
}

const REDRAW_MS = 150;
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const ERASE_TO_LINE_END = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

function liveScreen({ terminal, layout: first }: Invocation, operation: WatchedOperation): ProgressDisplay {
  let progress: Progress | undefined;
  let trouble = '';
  let drawn = 0;
  const draw = (): void => {
    if (progress === undefined) return;
    const layout = terminal.layout(first.wide);
    const frame = progressFrame(layout, { ...operation, progress, trouble, nowMs: terminal.nowMs() }).slice(
      -Math.max(1, terminal.rows() - 1),
    );
    const up = drawn === 0 ? HIDE_CURSOR : `\u001b[${drawn}A`;
    terminal.out(`${up}\r${frame.map((line) => `${line}${ERASE_TO_LINE_END}\n`).join('')}${ERASE_BELOW}`);
    drawn = frame.length;
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    event: (_before, after) => {
      progress = after;
    },
    trouble: (words) => {
      trouble = words;
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      draw();
      if (drawn > 0) terminal.out(`${SHOW_CURSOR}\n`);
    },
  };
}
