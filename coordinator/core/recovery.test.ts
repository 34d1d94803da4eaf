import {
  ReadLedgerResponse,
  OperationState as State,
  Step,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failures.ts';
import { COMMIT_POSITION, positionOfStep } from './phases.ts';
import { decide, fencedAt, phasesOf, viewOf } from './recovery.ts';
import { modelPlan } from './testing/driver.ts';

const plan = modelPlan();

/** Steps completed, the last one begun only where it is wrapped. */
function ledger(n: number, state: State, steps: readonly (Step | [Step])[] = []): ReadLedgerResponse {
  return ReadLedgerResponse.fromPartial({
    ledgerId: `ledger-${n}`,
    node: `cp${n}`,
    operationId: 'r-1',
    state,
    effects: steps.map((step, index) => ({
      sequence: BigInt(index + 1),
      step: Array.isArray(step) ? step[0] : step,
      intendedMs: BigInt(1000 * (index + 1) + n),
      completedMs: Array.isArray(step) ? 0n : BigInt(1000 * (index + 1) + 500 + n),
    })),
  });
}

type Entry = ReadLedgerResponse | 'absent' | 'unknown';

interface Wish {
  readonly undo?: string;
  readonly grace?: boolean;
  readonly expired?: boolean;
}

function decided(entries: readonly Entry[], wish: Wish = {}): unknown {
  const views = new Map(
    entries.map((entry, index) => [`cp${index + 1}`, viewOf(plan, `cp${index + 1}`, entry)]),
  );
  const decision = decide(plan, views, {
    undo: wish.undo === undefined ? undefined : failureOf('ABORTED', wish.undo),
    gracePassed: wish.grace ?? true,
    expired: wish.expired ?? false,
  });
  switch (decision.kind) {
    case 'forward':
      return `forward ${decision.position}`;
    case 'undo':
      return `undo ${decision.cause.code}`;
    case 'ended':
      return `ended ${decision.outcome} ${decision.failure?.code ?? ''}`.trim();
    default:
      return `wait ${decision.failure.code}`;
  }
}

const OPEN = State.OPERATION_STATE_OPEN;
const COMMITTED = State.OPERATION_STATE_COMMITTED;
const UNDONE = State.OPERATION_STATE_UNDONE;
const CLOSED = State.OPERATION_STATE_CLOSED;
const all = (make: (n: number) => Entry): Entry[] => [1, 2, 3].map(make);
const STARTED = [Step.STEP_SWAP, Step.STEP_START_KUBELET, Step.STEP_START_ETCD];
const GATED = [...STARTED, Step.STEP_PREPARE_GATE];

describe('what the ledgers say', () => {
  it.each<[string, Entry[], Wish, string]>([
    ['promised, nothing begun', all((n) => ledger(n, OPEN)), {}, 'forward 0'],
    ['one not promised yet', [ledger(1, OPEN), 'unknown', ledger(3, OPEN)], {}, 'forward 0'],
    [
      'found again after the plan has expired, OLD untouched',
      all((n) => ledger(n, OPEN, [Step.STEP_STAGE, Step.STEP_REINSPECT])),
      { expired: true },
      'undo PLAN_EXPIRED',
    ],
    [
      'found again after the plan has expired, one API server down',
      [ledger(1, OPEN, [[Step.STEP_FENCE_API]]), ledger(2, OPEN), ledger(3, OPEN)],
      { expired: true },
      `forward ${positionOfStep(Step.STEP_FENCE_API)}`,
    ],
    [
      'some have begun the swap',
      [
        ledger(1, OPEN, [Step.STEP_FENCE_ETCD, [Step.STEP_SWAP]]),
        ledger(2, OPEN, [Step.STEP_FENCE_ETCD]),
        ledger(3, OPEN, [Step.STEP_FENCE_ETCD]),
      ],
      {},
      `forward ${positionOfStep(Step.STEP_SWAP)}`,
    ],
    [
      'one committed',
      [ledger(1, COMMITTED, STARTED), ledger(2, OPEN, STARTED), ledger(3, OPEN, STARTED)],
      {},
      `forward ${COMMIT_POSITION}`,
    ],
    [
      'one committed, an undo wished',
      [ledger(1, COMMITTED, STARTED), ledger(2, OPEN, STARTED), ledger(3, OPEN, STARTED)],
      { undo: 'x' },
      `forward ${COMMIT_POSITION}`,
    ],
    [
      'one committed, another away',
      [ledger(1, COMMITTED, STARTED), 'absent', ledger(3, OPEN, STARTED)],
      {},
      `forward ${COMMIT_POSITION}`,
    ],
    ['all closed', all((n) => ledger(n, CLOSED, STARTED)), {}, `ended ${Outcome.OUTCOME_RESTORED}`],
    ['all undone', all((n) => ledger(n, UNDONE)), {}, `ended ${Outcome.OUTCOME_ROLLED_BACK} ABORTED`],
    [
      'undone, one that never promised',
      [ledger(1, UNDONE), ledger(2, UNDONE), 'unknown'],
      {},
      `ended ${Outcome.OUTCOME_ROLLED_BACK} ABORTED`,
    ],
    ['one still to undo', [ledger(1, UNDONE), ledger(2, UNDONE), ledger(3, OPEN)], {}, 'undo ABORTED'],
    [
      'undo begun on one',
      [ledger(1, OPEN, [[Step.STEP_UNDO_STOP]]), ledger(2, OPEN), ledger(3, OPEN)],
      {},
      'undo ABORTED',
    ],
    [
      'committed and undone',
      [ledger(1, COMMITTED, STARTED), ledger(2, UNDONE), ledger(3, OPEN)],
      {},
      `ended ${Outcome.OUTCOME_NEEDS_OPERATOR} LEDGERS_DISAGREE`,
    ],
    ['an undo wished, nobody committed', all((n) => ledger(n, OPEN, STARTED)), { undo: 'x' }, 'undo ABORTED'],
    [
      'one away early',
      [ledger(1, OPEN, [Step.STEP_STAGE]), 'absent', ledger(3, OPEN)],
      {},
      'undo NODE_UNREACHABLE',
    ],
    [
      'one away early, not for long',
      [ledger(1, OPEN, [Step.STEP_STAGE]), 'absent', ledger(3, OPEN)],
      { grace: false },
      'wait NODE_UNREACHABLE',
    ],
    [
      'one away, all others past the start of etcd: it may have committed',
      [ledger(1, OPEN, [...STARTED, Step.STEP_PREPARE_GATE]), 'absent', ledger(3, OPEN, STARTED)],
      {},
      'wait NODE_UNREACHABLE',
    ],
    [
      'the same, an undo wished',
      [ledger(1, OPEN, [...STARTED, Step.STEP_PREPARE_GATE]), 'absent', ledger(3, OPEN, STARTED)],
      { undo: 'x' },
      'wait NODE_UNREACHABLE',
    ],
    [
      'one away, the gate never prepared: nobody has committed',
      [ledger(1, OPEN, STARTED), 'absent', ledger(3, OPEN, STARTED)],
      {},
      'undo NODE_UNREACHABLE',
    ],
    [
      'a ledger lost after the others went on',
      [ledger(1, OPEN, STARTED), 'unknown', ledger(3, OPEN, STARTED)],
      {},
      'undo LEDGER_STRANGER',
    ],
    [
      'a strange ledger after a commit',
      [ledger(1, COMMITTED, STARTED), ledger(9, OPEN), ledger(3, OPEN, STARTED)],
      {},
      `ended ${Outcome.OUTCOME_NEEDS_OPERATOR} LEDGER_STRANGER`,
    ],
    [
      'a commit never excuses an undo, though all the rest be closed',
      [ledger(1, CLOSED, STARTED), ledger(2, CLOSED, STARTED), ledger(3, UNDONE)],
      {},
      `ended ${Outcome.OUTCOME_NEEDS_OPERATOR} LEDGERS_DISAGREE`,
    ],
    [
      'committed, and an undo begun on another',
      [ledger(1, COMMITTED, STARTED), ledger(2, OPEN, [...STARTED, [Step.STEP_UNDO_STOP]]), ledger(3, OPEN)],
      {},
      `ended ${Outcome.OUTCOME_NEEDS_OPERATOR} LEDGERS_DISAGREE`,
    ],
    [
      'some closed, the others committed',
      [ledger(1, CLOSED, STARTED), ledger(2, COMMITTED, STARTED), ledger(3, CLOSED, STARTED)],
      {},
      `forward ${COMMIT_POSITION}`,
    ],
    [
      'an undo begun, one away that may have committed: it cannot have, or nobody had begun to undo',
      [ledger(1, OPEN, [...GATED, [Step.STEP_UNDO_STOP]]), 'absent', ledger(3, OPEN, STARTED)],
      { grace: false },
      'undo ABORTED',
    ],
    [
      'an undo wished, early, one away, not for long',
      [ledger(1, OPEN, [Step.STEP_STAGE]), 'absent', ledger(3, OPEN)],
      { undo: 'x', grace: false, expired: true },
      'undo ABORTED',
    ],
    [
      'expired early, one away, not for long',
      [ledger(1, OPEN, [Step.STEP_STAGE]), 'absent', ledger(3, OPEN)],
      { grace: false, expired: true },
      'undo PLAN_EXPIRED',
    ],
    [
      'one never promised although another has begun its first step',
      [ledger(1, OPEN, [[Step.STEP_STAGE]]), 'unknown', ledger(3, OPEN)],
      {},
      'undo LEDGER_STRANGER',
    ],
    [
      'a strange ledger before anything was begun',
      [ledger(1, OPEN), ledger(9, OPEN), ledger(3, OPEN)],
      {},
      'undo LEDGER_STRANGER',
    ],
    [
      'one away, one that is reached has not started its member: nobody has committed',
      [ledger(1, OPEN, GATED), 'absent', ledger(3, OPEN, [Step.STEP_SWAP])],
      {},
      'undo NODE_UNREACHABLE',
    ],
    [
      'one away, one that is reached has not finished starting its member: nobody has committed',
      [ledger(1, OPEN, GATED), 'absent', ledger(3, OPEN, [Step.STEP_SWAP, [Step.STEP_START_ETCD]])],
      {},
      'undo NODE_UNREACHABLE',
    ],
    [
      'one away, another’s ledger lost: it proves nothing, and the one that is away may have committed',
      [ledger(1, OPEN, GATED), 'absent', 'unknown'],
      {},
      'wait NODE_UNREACHABLE',
    ],
    [
      'one away, another’s ledger replaced',
      [ledger(1, OPEN, GATED), 'absent', ledger(9, OPEN)],
      { undo: 'x' },
      'wait NODE_UNREACHABLE',
    ],
    [
      'one away, another’s ledger lost, and the third lacks its part of a commit',
      [ledger(1, OPEN, STARTED), 'absent', 'unknown'],
      {},
      'undo NODE_UNREACHABLE',
    ],
    ['one away, the others never promised', ['absent', 'unknown', 'unknown'], {}, 'undo NODE_UNREACHABLE'],
    ['nobody answers', ['absent', 'absent', 'absent'], { undo: 'x' }, 'wait NODE_UNREACHABLE'],
    [
      'two away, the third’s ledger replaced',
      ['absent', 'absent', ledger(9, OPEN)],
      { undo: 'x' },
      'wait NODE_UNREACHABLE',
    ],
    [
      'the first away, the others past the start of etcd',
      ['absent', ledger(2, OPEN, STARTED), ledger(3, OPEN, STARTED)],
      {},
      'wait NODE_UNREACHABLE',
    ],
  ])('%s', (_what, entries, wish, decision) => {
    expect(decided(entries, wish)).toBe(decision);
  });

  it('is nothing where they were not asked, or hold another operation or none', () => {
    const kind = (entry: Parameters<typeof viewOf>[2], node = 'cp1'): string =>
      viewOf(plan, node, entry).kind;
    expect([kind(undefined), kind('absent'), kind('unknown')]).toEqual(['absent', 'absent', 'unknown']);
    expect(kind(ledger(1, OPEN))).toBe('known');
    expect(kind({ ...ledger(1, OPEN), operationId: 'r-0' })).toBe('unknown');
    expect(kind(ledger(1, State.OPERATION_STATE_UNSPECIFIED))).toBe('unknown');
    // A ledger that is not the plan's says nothing, not even that it knows nothing.
    expect(kind({ ...ledger(9, OPEN), operationId: 'r-0' })).toBe('stranger');
    expect(kind(ledger(9, OPEN), 'cp9')).toBe('known');
  });

  it('counts a step for completed once it is', () => {
    const view = viewOf(plan, 'cp1', ledger(1, OPEN, [Step.STEP_STAGE, [Step.STEP_BUILD]]));
    expect(view).toMatchObject({
      completed: new Set([Step.STEP_STAGE]),
      begun: positionOfStep(Step.STEP_BUILD),
    });
  });

  it('gives back when downtime began, and how long the phases took', () => {
    const steps = [Step.STEP_STAGE, Step.STEP_FENCE_API, Step.STEP_FENCE_ETCD];
    const ledgers = [1, 2, 3].map((n) => ledger(n, OPEN, steps));
    expect(fencedAt(ledgers)).toBe(2001);
    expect(phasesOf(ledgers)).toStrictEqual([
      { phase: Phase.PHASE_STAGE, startedMs: 1001, endedMs: 1503 },
      { phase: Phase.PHASE_FENCE, startedMs: 2001, endedMs: 3503 },
    ]);
  });
});
