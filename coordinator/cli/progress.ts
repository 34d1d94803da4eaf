import { type Failure, Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeProgress, OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';

/** What a watcher knows of an operation: a fold over its events, nothing else. */
export interface Progress {
  readonly startedMs: number;
  /** Time of the latest event. */
  readonly atMs: number;
  readonly sequence: bigint;
  readonly phases: readonly PhaseProgress[];
  /** By name; the work of the phase that runs. */
  readonly nodes: readonly NodeState[];
  readonly undo?: { readonly fromPhase: Phase; readonly cause?: Failure };
  readonly notices: readonly string[];
  /** The latest event is an end. One that needed an operator may be resumed. */
  readonly ended?: { readonly outcome: Outcome; readonly failure?: Failure };
}

export interface PhaseProgress {
  readonly phase: Phase;
  readonly startedMs: number;
  /** Unset while it runs. */
  readonly durationMs?: number;
}

export interface NodeState {
  readonly node: string;
  readonly step: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly done: boolean;
  /** Where the step was when it was first heard of, for its rate. */
  readonly sinceMs: number;
  readonly sinceBytes: number;
  readonly failure?: Failure;
}

const MAX_NOTICES = 3;

export function emptyProgress(nodes: readonly string[]): Progress {
  return { startedMs: 0, atMs: 0, sequence: 0n, phases: [], nodes: nodes.map(idle), notices: [] };
}

function idle(node: string): NodeState {
  return { node, step: '', doneBytes: 0, totalBytes: 0, done: false, sinceMs: 0, sinceBytes: 0 };
}

/**
 * Whether the event is news. After a coordinator's restart the stream is read from its beginning
 * again, and a journal that was rebuilt from the ledgers may count anew: then time decides.
 */
export function isNews(progress: Progress, event: OperationEvent): boolean {
  return event.sequence > progress.sequence || Number(event.atMs) > progress.atMs;
}

export function advance(before: Progress, { event, atMs: at, sequence }: OperationEvent): Progress {
  const atMs = Number(at);
  // What follows an end follows because somebody resumed the operation.
  const { ended: _until, ...going } = before;
  const progress: Progress = { ...going, startedMs: before.startedMs || atMs, atMs, sequence };
  switch (event?.$case) {
    case 'phaseStarted':
      return {
        ...progress,
        phases: [
          ...progress.phases.filter(({ phase }) => phase !== event.value.phase),
          { phase: event.value.phase, startedMs: atMs },
        ],
        nodes: progress.nodes.map(({ node }) => idle(node)),
      };
    case 'phaseEnded':
      return {
        ...progress,
        phases: progress.phases.map((one) =>
          one.phase === event.value.phase ? { ...one, durationMs: Number(event.value.durationMs) } : one,
        ),
      };
    case 'nodeProgress':
      return withNode(progress, event.value.node, (state) => moved(state, event.value, atMs));
    case 'nodeFailed': {
      const { failure } = event.value;
      if (failure === undefined) return progress;
      return withNode(progress, failure.node, (state) => ({ ...state, failure }));
    }
    case 'undoStarted': {
      const { fromPhase, cause } = event.value;
      return { ...progress, undo: { fromPhase, ...(cause === undefined ? {} : { cause }) } };
    }
    case 'operationEnded': {
      const { outcome, failure } = event.value;
      return { ...progress, ended: { outcome, ...(failure === undefined ? {} : { failure }) } };
    }
    case 'notice':
      return { ...progress, notices: [...progress.notices, event.value.message].slice(-MAX_NOTICES) };
    default:
      return progress;
  }
}

function withNode(progress: Progress, node: string, change: (state: NodeState) => NodeState): Progress {
  if (node === '') return progress;
  const known = progress.nodes.some((state) => state.node === node);
  const nodes = known ? progress.nodes : [...progress.nodes, idle(node)];
  return { ...progress, nodes: nodes.map((state) => (state.node === node ? change(state) : state)) };
}

function moved(state: NodeState, event: NodeProgress, atMs: number): NodeState {
  const doneBytes = Number(event.doneBytes);
  const sameStep = state.step === event.step && state.sinceMs > 0;
  return {
    node: state.node,
    step: event.step,
    doneBytes,
    totalBytes: Number(event.totalBytes),
    done: event.done,
    sinceMs: sameStep ? state.sinceMs : atMs,
    sinceBytes: sameStep ? state.sinceBytes : doneBytes,
  };
}

/** A rate over less than this says nothing. */
const MIN_RATE_MS = 1_000;

/** How long the node's step still takes at its rate so far; unset where that cannot be told. */
export function remainingMs(state: NodeState, nowMs: number): number | undefined {
  const elapsed = nowMs - state.sinceMs;
  const moved_ = state.doneBytes - state.sinceBytes;
  if (state.done || state.totalBytes === 0 || elapsed < MIN_RATE_MS || moved_ <= 0) return undefined;
  return ((state.totalBytes - state.doneBytes) * elapsed) / moved_;
}

export function runningPhase(progress: Progress): PhaseProgress | undefined {
  return progress.ended === undefined
    ? progress.phases.findLast(({ durationMs }) => durationMs === undefined)
    : undefined;
}

export type Availability = 'before-downtime' | 'down' | 'back';

/** Whether the API serves, as far as the phases tell, and for how long it has been gone. */
export function availability(progress: Progress, nowMs: number): { state: Availability; downMs: number } {
  const fence = progress.phases.find(({ phase }) => phase === Phase.PHASE_FENCE);
  if (fence === undefined) return { state: 'before-downtime', downMs: 0 };
  const last = progress.phases.find(
    ({ phase, durationMs }) =>
      durationMs !== undefined && (phase === Phase.PHASE_START_CONTROLLERS || phase === Phase.PHASE_UNDO),
  );
  if (last?.durationMs !== undefined) {
    return { state: 'back', downMs: last.startedMs + last.durationMs - fence.startedMs };
  }
  const endMs = progress.ended === undefined ? nowMs : progress.atMs;
  return { state: 'down', downMs: endMs - fence.startedMs };
}

/** Whether the point of no return is behind. */
export function isCommitted(progress: Progress): boolean {
  return progress.phases.some(
    ({ phase, durationMs }) => phase === Phase.PHASE_COMMIT && durationMs !== undefined,
  );
}
