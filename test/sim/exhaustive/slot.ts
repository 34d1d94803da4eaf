import type { TransitionEvent } from '@lockstep/coordinator/core/events.ts';
import { failureOf, isRefusal } from '@lockstep/coordinator/core/failures.ts';
import {
  hasEnded,
  mayAbort,
  newOperation,
  type OperationState,
  type TimerPurpose,
  takenOverOperation,
} from '@lockstep/coordinator/core/state.ts';
import { step } from '@lockstep/coordinator/core/transition.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { askKey, type Reply, replyKey } from './agent.ts';
import { epochKey } from './memory-ledger.ts';
import { NOW_MS, type Searched } from './plan.ts';

/** A place where a coordinator runs: first, or standing by. A value. */
export interface Slot {
  /** "a" or "b". */
  readonly name: string;
  /** Each start of the program is another holder of epochs. */
  readonly run: number;
  /** `idle`: it runs, and nothing was begun here. */
  readonly state: 'idle' | 'dead' | OperationState;
}

export interface Call {
  readonly kind: 'call' | 'cancel';
  /** Index of the node in the plan. */
  readonly node: number;
}

export interface Turned {
  readonly slot: Slot;
  /** What it asks and what it no longer wants to know, in order. */
  readonly calls: readonly Call[];
  /** What the core asserts in production too. */
  readonly violation: string | undefined;
}

export type SlotEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'replied'; readonly node: number; readonly reply: Reply }
  | { readonly kind: 'timer'; readonly purpose: string }
  | { readonly kind: 'abort' };

const ABORTED = failureOf('ABORTED', 'asked for by an operator');

export function operationOf(slot: Slot): OperationState | undefined {
  return typeof slot.state === 'string' ? undefined : slot.state;
}

export function isRunning(slot: Slot): boolean {
  const operation = operationOf(slot);
  return operation !== undefined && !hasEnded(operation);
}

/** As Operations.start does, after a survey that found nothing promised. */
export function started(slot: Slot, searched: Searched): Slot {
  return { ...slot, state: newOperation(searched.plan, { number: 1n, coordinatorId: idOf(slot) }, NOW_MS) };
}

/** As Operations.takeOver does, in the same run of the program or a new one. */
export function takingOver(slot: Slot, searched: Searched): Slot {
  const epoch = { number: 0n, coordinatorId: idOf(slot) };
  return { ...slot, state: takenOverOperation(searched.plan, epoch, NOW_MS, whyUndone(slot)) };
}

/** The program ended, and all that it knew; whoever starts there next is somebody else. */
export function killed(slot: Slot): Slot {
  return { name: slot.name, run: slot.run + 1, state: 'dead' };
}

export function idOf({ name, run }: Slot): string {
  return `${name}${run}`;
}

/** A node that comes back late is undone for the reason that the others were. */
function whyUndone(slot: Slot): Failure | undefined {
  const ended = endOf(slot);
  const undone = ended?.outcome === Outcome.OUTCOME_ROLLED_BACK || ended?.outcome === Outcome.OUTCOME_REFUSED;
  return undone ? ended.failure : undefined;
}

export function endOf(slot: Slot): { outcome: Outcome; failure: Failure | undefined } | undefined {
  const stage = operationOf(slot)?.stage;
  return stage?.kind === 'ended' ? stage : undefined;
}

export function mayAskForUndo(slot: Slot): boolean {
  const operation = operationOf(slot);
  return (
    operation !== undefined &&
    operation.abort === undefined &&
    (operation.stage.kind === 'settle' || mayAbort(operation)) &&
    operation.stage.kind !== 'undo'
  );
}

export function turn(slot: Slot, event: SlotEvent): Turned {
  const before = operationOf(slot);
  if (before === undefined) throw new Error(`${event.kind} to a coordinator that runs nothing`);
  let after: ReturnType<typeof step>;
  try {
    after = step(before, coreEvent(before, event));
  } catch (thrown) {
    return { slot: { ...slot, state: 'dead' }, calls: [], violation: `the core: ${String(thrown)}` };
  }
  const asked = new Map([...before.calls].map(([call, { node }]) => [call, node]));
  const calls: Call[] = [];
  for (const effect of after.effects) {
    if (effect.kind === 'call') {
      asked.set(effect.call, effect.node);
      calls.push({ kind: 'call', node: nodeIndex(before, effect.node) });
    } else if (effect.kind === 'cancel-call') {
      calls.push({ kind: 'cancel', node: nodeIndex(before, asked.get(effect.call) ?? '') });
    }
  }
  return { slot: { ...slot, state: after.state }, calls, violation: twice(after.state) };
}

/** The search knows a question by its node, so a coordinator may have one under way with each. */
function twice({ calls }: OperationState): string | undefined {
  const nodes = [...calls.values()].map((each) => each.node);
  return nodes.length === new Set(nodes).size ? undefined : 'two questions to one node at once';
}

function coreEvent(operation: OperationState, event: SlotEvent): TransitionEvent {
  const atMs = NOW_MS;
  switch (event.kind) {
    case 'started':
      return { kind: 'started', atMs };
    case 'abort':
      return { kind: 'abort', failure: ABORTED, atMs };
    case 'timer': {
      const timer = [...operation.timers].find(([, purpose]) => purposeKey(purpose) === event.purpose)?.[0];
      if (timer === undefined) throw new Error(`no timer ${event.purpose}`);
      return { kind: 'timer', timer, atMs };
    }
    case 'replied': {
      const node = operation.plan.nodes[event.node]?.node;
      const call = [...operation.calls].find(([, pending]) => pending.node === node)?.[0];
      if (call === undefined) throw new Error(`no question to ${node}`);
      return event.reply.kind === 'answer'
        ? { kind: 'answered', call, answer: event.reply.answer, atMs }
        : { kind: 'failed', call, failure: event.reply.failure, atMs };
    }
    default:
      return event satisfies never;
  }
}

function nodeIndex({ plan }: OperationState, node: string): number {
  return plan.nodes.findIndex((each) => each.node === node);
}

export function purposeKey(purpose: TimerPurpose): string {
  return purpose.kind === 'retry' ? `retry ${purpose.node}` : purpose.kind;
}

/**
 * What of an operation can matter to what it does next. Left out: times (all are one moment),
 * words and events (for watchers alone), how often a question went unanswered (that counts only
 * toward giving up, which a node that stays away brings about from any count), the causes of an
 * undo but for whether they are refusals. Nodes are named by the order of their names.
 */
export function slotKey(slot: Slot): string {
  const own = `${slot.name}${slot.run}`;
  if (typeof slot.state === 'string') return `${own} ${slot.state}`;
  const { stage, epoch, calls, timers, nodes } = slot.state;
  if (stage.kind === 'superseded') return `${own} superseded`;
  if (stage.kind === 'ended') {
    // The cause of an undo stands for all that are of its kind: only what needs a person is named.
    const named = stage.outcome === Outcome.OUTCOME_NEEDS_OPERATOR;
    return `${own} ended ${stage.outcome} ${named ? stage.failure?.code : causeKey(stage.failure)}`;
  }
  const known = [...nodes.values()]
    .sort((a, b) => (a.node < b.node ? -1 : 1))
    .map(
      ({ promised, committed, closed, undone }) =>
        `${promised === undefined ? '?' : Number(promised)}${Number(committed)}${Number(closed)}${Number(undone)}`,
    );
  const asked = [...calls.values()].map(({ node, ask }) => `${node}:${askKey(ask)}`).sort();
  const set = [...timers.values()].map(purposeKey).sort();
  const { fencedMs, mayBeCommitted, abort, settleRounds } = slot.state;
  const flags = `${Number(fencedMs !== undefined)}${Number(mayBeCommitted)}${causeKey(abort)}${settleRounds}`;
  return [own, epochKey(epoch), flags, known.join(), asked.join(), set.join(), stageKey(slot.state)].join(
    '\n',
  );
}

function stageKey({ stage }: OperationState): string {
  switch (stage.kind) {
    case 'forward': {
      const { position, pending, groups, faults, behind, canaryRevision, observations } = stage;
      const seen = [...observations]
        .map(([node, each]) =>
          'code' in each
            ? `${node}!${each.code}`
            : `${node}${replyKey({ kind: 'answer', answer: { kind: 'observe', member: each } })}`,
        )
        .sort();
      return `forward ${position} ${setKey(pending)} ${groups.map((each) => each.join('+')).join('/')} ${mapKey(faults)} ${setKey(behind.keys())} ${canaryRevision} ${seen.join()}`;
    }
    case 'undo': {
      const { index, cause, taking, pending, faults, absent, away, failures, gracePassed } = stage;
      return `undo ${index} ${causeKey(cause)} ${setKey(taking)} ${setKey(pending)} ${mapKey(faults)} ${setKey(absent)} ${setKey(away)} ${setKey(failures.keys())} ${gracePassed}`;
    }
    case 'settle': {
      const { part, cause, pending, absent, ledgers, gracePassed, patient } = stage;
      const read = [...ledgers]
        .map(([node, each]) =>
          typeof each === 'string'
            ? `${node}${each}`
            : `${node}${replyKey({ kind: 'answer', answer: { kind: 'read-ledger', ledger: each } })}`,
        )
        .sort();
      return `settle ${part} ${causeKey(cause)} ${setKey(pending)} ${setKey(absent)} ${read.join()} ${gracePassed} ${patient}`;
    }
    default:
      return stage.kind;
  }
}

/** An operation that was undone ends as refused, or as rolled back: all that its cause decides. */
function causeKey(cause: Failure | undefined): string {
  if (cause === undefined) return '-';
  return isRefusal(cause) ? 'r' : 'f';
}

function setKey(set: Iterable<string>): string {
  return [...set].sort().join('+');
}

function mapKey(map: ReadonlyMap<string, number>): string {
  return [...map]
    .map(([node, count]) => `${node}${count}`)
    .sort()
    .join('+');
}
