import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FenceState,
  judgeCommand,
  judgeCommit,
  judgePromise,
  type PromiseOffer,
  unended,
} from './fence.ts';
import { type OperationView, type RunnableStep, STEP_NAMES } from './operation.ts';

const epoch = (number: number, coordinatorId = 'c1'): Epoch => ({ number: BigInt(number), coordinatorId });

const operation = (change: Partial<OperationView> = {}): OperationView => ({
  operationId: 'r-1',
  planSha256: 'p1',
  phase: 'open',
  intended: new Set(),
  completed: new Set(),
  ...change,
});

const state = (change: Partial<FenceState> = {}): FenceState => ({
  ledgerId: 'L',
  promised: epoch(5),
  effectInFlight: false,
  open: undefined,
  ...change,
});

const offer = (change: Partial<PromiseOffer> = {}): PromiseOffer => ({
  epoch: epoch(6),
  operationId: 'r-1',
  ledgerId: 'L',
  plan: { sha256: 'p1', operationId: 'r-1', cluster: 'lab', ledgerId: 'L' },
  ...change,
});

const judge = (of: FenceState, held: OperationView | undefined, offered: PromiseOffer) =>
  judgePromise(of, 'lab', held, offered);

describe('promise', () => {
  it('opens a plan under a greater epoch', () => {
    expect(judge(state(), undefined, offer())).toStrictEqual({ kind: 'promise', openPlan: true });
    expect(judge(state({ promised: undefined }), undefined, offer({ epoch: epoch(1) }))).toStrictEqual({
      kind: 'promise',
      openPlan: true,
    });
  });

  it.each([
    ['an equal number by another coordinator', state(), offer({ epoch: epoch(5, 'c2') }), 'EPOCH_STALE'],
    ['a lower number', state(), offer({ epoch: epoch(4) }), 'EPOCH_STALE'],
    ['number nought', state({ promised: undefined }), offer({ epoch: epoch(0) }), 'EPOCH_STALE'],
    [
      'more than the ledger holds',
      state(),
      offer({ epoch: { ...epoch(1), number: 2n ** 63n } }),
      'EPOCH_STALE',
    ],
    ['nobody’s number', state(), offer({ epoch: epoch(6, '') }), 'EPOCH_STALE'],
    ['an equal epoch for a second operation', state(), offer({ epoch: epoch(5) }), 'EPOCH_STALE'],
    ['while an effect is in flight', state({ effectInFlight: true }), offer(), 'EFFECT_IN_FLIGHT'],
    ['another ledger in the promise', state(), offer({ ledgerId: 'M' }), 'LEDGER_STRANGER'],
    [
      'another ledger in the plan',
      state(),
      offer({ plan: { sha256: 'p1', operationId: 'r-1', cluster: 'lab', ledgerId: 'M' } }),
      'LEDGER_STRANGER',
    ],
    [
      'a plan without this node',
      state(),
      offer({ plan: { sha256: 'p1', operationId: 'r-1', cluster: 'lab', ledgerId: undefined } }),
      'LEDGER_STRANGER',
    ],
    [
      'another cluster',
      state(),
      offer({ plan: { sha256: 'p1', operationId: 'r-1', cluster: 'prod', ledgerId: 'L' } }),
      'CLUSTER_MISMATCH',
    ],
    [
      'a plan of another operation',
      state(),
      offer({ plan: { sha256: 'p1', operationId: 'r-2', cluster: 'lab', ledgerId: 'L' } }),
      'PLAN_UNKNOWN',
    ],
    ['a takeover of what is not held', state(), offer({ plan: undefined }), 'PLAN_UNKNOWN'],
    [
      'a second operation over an open one',
      state({ open: operation({ operationId: 'r-0' }) }),
      offer({ epoch: epoch(99) }),
      'OPERATION_IN_PROGRESS',
    ],
    [
      'a second operation over a committed one',
      state({ open: operation({ operationId: 'r-0', phase: 'committed' }) }),
      offer({ epoch: epoch(99) }),
      'OPERATION_IN_PROGRESS',
    ],
  ])('is refused: %s', (_name, of, offered, code) => {
    expect(judge(of, undefined, offered)).toMatchObject({ kind: 'refused', code });
  });

  it('takes the greatest number that the ledger holds', () => {
    const greatest = { ...epoch(1), number: 2n ** 63n - 1n };
    expect(judge(state(), undefined, offer({ epoch: greatest }))).toMatchObject({ kind: 'promise' });
  });

  it('says first what bars the coordinator itself, then what bars the operation, then its plan', () => {
    const plan = { sha256: 'p1', operationId: 'r-1', cluster: 'lab', ledgerId: 'L' };
    const held = operation({ planSha256: 'p0' });
    const other = operation({ operationId: 'r-0' });
    // Each offer is right in one thing more than the one before.
    const offers: [FenceState, OperationView | undefined, PromiseOffer][] = [
      [
        state({ effectInFlight: true, open: other }),
        held,
        offer({ ledgerId: 'M', epoch: epoch(0), plan: { ...plan, operationId: 'r-2' } }),
      ],
      [state({ effectInFlight: true, open: other }), held, offer({ epoch: epoch(5, 'c2') })],
      [state({ effectInFlight: true, open: other }), held, offer()],
      [
        state({ open: other }),
        held,
        offer({ plan: { ...plan, operationId: 'r-2', cluster: 'prod', ledgerId: 'M' } }),
      ],
      [state(), held, offer({ plan: { ...plan, operationId: 'r-2', cluster: 'prod', ledgerId: 'M' } })],
      [state(), held, offer({ plan: { ...plan, cluster: 'prod', ledgerId: 'M' } })],
      [state(), held, offer({ plan: { ...plan, ledgerId: 'M' } })],
      [state(), held, offer()],
    ];
    expect(offers.map((each) => (judge(...each) as { code?: string }).code)).toStrictEqual([
      'LEDGER_STRANGER',
      'EPOCH_STALE',
      'EFFECT_IN_FLIGHT',
      'OPERATION_IN_PROGRESS',
      'PLAN_UNKNOWN',
      'CLUSTER_MISMATCH',
      'LEDGER_STRANGER',
      'PLAN_UNKNOWN',
    ]);
  });

  it('takes over an open operation under a greater epoch, with its plan or without', () => {
    const held = operation();
    const open = state({ open: held });
    expect(judge(open, held, offer({ plan: undefined }))).toStrictEqual({ kind: 'promise', openPlan: false });
    expect(judge(open, held, offer())).toStrictEqual({ kind: 'promise', openPlan: false });
  });

  it('refuses to change a plan that it holds', () => {
    const held = operation({ planSha256: 'p0' });
    expect(judge(state({ open: held }), held, offer())).toMatchObject({ code: 'PLAN_UNKNOWN' });
  });

  it('answers a repeat of what it promised', () => {
    const held = operation();
    expect(judge(state({ open: held }), held, offer({ epoch: epoch(5) }))).toStrictEqual({ kind: 'repeat' });
  });

  it('never promises downwards or sideways, whatever is offered', () => {
    const epochs = fc.record({
      number: fc.bigInt({ min: 0n, max: 6n }),
      coordinatorId: fc.constantFrom('c1', 'c2'),
    });
    fc.assert(
      fc.property(fc.array(epochs, { maxLength: 30 }), (offers) => {
        let promised: Epoch | undefined;
        let held: OperationView | undefined;
        for (const offered of offers) {
          const verdict = judge(state({ promised, open: unended(held) }), held, offer({ epoch: offered }));
          if (verdict.kind !== 'promise') continue;
          expect(offered.number > (promised?.number ?? 0n)).toBe(true);
          promised = offered;
          held ??= operation();
        }
      }),
    );
  });
});

describe('command', () => {
  const held = operation();
  const command = { epoch: epoch(5), operationId: 'r-1', planSha256: 'p1' };

  it('is obeyed under exactly the promised epoch', () => {
    expect(judgeCommand(state(), held, command)).toStrictEqual({ kind: 'obey', operation: held });
  });

  it.each([
    ['a lower epoch', { ...command, epoch: epoch(4) }, 'EPOCH_STALE'],
    ['a higher epoch', { ...command, epoch: epoch(6) }, 'EPOCH_STALE'],
    ['another coordinator', { ...command, epoch: epoch(5, 'c2') }, 'EPOCH_STALE'],
    ['another plan', { ...command, planSha256: 'p2' }, 'PLAN_UNKNOWN'],
    ['another operation', { ...command, operationId: 'r-2' }, 'PLAN_UNKNOWN'],
  ])('is refused under %s', (_name, given, code) => {
    expect(judgeCommand(state(), held, given)).toMatchObject({ kind: 'refused', code });
  });

  it('is refused for its epoch first, and where no operation is held', () => {
    const stale = { ...command, epoch: epoch(4), planSha256: 'p2' };
    expect(judgeCommand(state(), held, stale)).toMatchObject({ code: 'EPOCH_STALE' });
    expect(judgeCommand(state(), undefined, command)).toMatchObject({ code: 'PLAN_UNKNOWN' });
    expect(judgeCommand(state(), undefined, stale)).toMatchObject({ code: 'EPOCH_STALE' });
  });

  it('is refused where nothing was promised', () => {
    expect(judgeCommand(state({ promised: undefined }), held, command)).toMatchObject({
      code: 'EPOCH_STALE',
    });
  });

  it('tells a ledger that was lost from one that promised more', () => {
    expect(judgeCommand(state({ promised: undefined }), undefined, command)).toMatchObject({
      code: 'PLAN_UNKNOWN',
    });
  });
});

describe('commit', () => {
  const started = new Set<RunnableStep>([Step.STEP_START_ETCD]);

  it.each([
    ['NEW started', operation({ completed: started, intended: started }), { kind: 'commit' }],
    ['committed already', operation({ phase: 'committed' }), { kind: 'repeat' }],
    ['closed', operation({ phase: 'closed' }), { kind: 'repeat' }],
    ['undone', operation({ phase: 'undone' }), { code: 'ALREADY_UNDONE' }],
    [
      'undo begun',
      operation({ completed: started, intended: new Set([...started, Step.STEP_UNDO_STOP]) }),
      { code: 'ALREADY_UNDONE' },
    ],
    [
      'NEW not started',
      operation(),
      { code: 'STEP_OUT_OF_ORDER', message: expect.stringContaining(STEP_NAMES[Step.STEP_START_ETCD]) },
    ],
    [
      'undo begun before NEW was started',
      operation({ intended: new Set([Step.STEP_UNDO_STOP]) }),
      { code: 'ALREADY_UNDONE' },
    ],
  ])('with %s', (_name, of, expected) => {
    expect(judgeCommit(of)).toMatchObject(expected);
  });
});

describe('an operation as the fence sees it', () => {
  it.each(['open', 'committed'] as const)('bars others while it is %s', (phase) => {
    expect(unended(operation({ phase }))).toStrictEqual(operation({ phase }));
  });

  it.each(['undone', 'closed'] as const)('bars nobody once it is %s', (phase) => {
    expect(unended(operation({ phase }))).toBeUndefined();
    expect(unended(undefined)).toBeUndefined();
  });
});
