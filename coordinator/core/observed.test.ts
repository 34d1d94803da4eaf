import {
  OperationState as LedgerState,
  ReadLedgerResponse,
  Step,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { type Observation, observeOperation } from './observed.ts';
import { modelPlan } from './testing/driver.ts';

const plan = modelPlan();
const NODES = plan.nodes.map(({ node }) => node);

function ledger(node: string, state: LedgerState, steps: readonly Step[] = []): ReadLedgerResponse {
  return ReadLedgerResponse.fromPartial({
    node,
    ledgerId: plan.nodes.find((each) => each.node === node)?.ledgerId ?? '',
    operationId: plan.operationId,
    state,
    promised: { number: 7n, coordinatorId: 'coordinator-2.ab' },
    plan: Buffer.from(RestorePlan.encode(plan).finish()),
    effects: steps.map((step, index) => ({ step, intendedMs: BigInt(1_000 + index), completedMs: 2_000n })),
  });
}

function observed(of: (node: string) => Observation): ReturnType<typeof observeOperation> {
  return observeOperation(plan, new Map(NODES.map((node) => [node, of(node)])));
}

const { OPERATION_STATE_OPEN, OPERATION_STATE_CLOSED, OPERATION_STATE_UNDONE } = LedgerState;

describe('an operation that another coordinator runs', () => {
  it('is restored once every ledger is closed, and says what is true on each node', () => {
    const { operation, report } = observed((node) => ledger(node, OPERATION_STATE_CLOSED, [Step.STEP_CLOSE]));
    expect(operation.outcome).toBe(Outcome.OUTCOME_RESTORED);
    expect(operation.endedMs).toBe(2_000n);
    expect(operation.nodes.map((each) => each.truth)).toStrictEqual(
      NODES.map(() => 'NEW serves; OLD is kept.'),
    );
    expect(report).toBeDefined();
  });

  it('is not over while one ledger does not say so', () => {
    const { operation, report } = observed((node) =>
      node === NODES[0] ? 'absent' : ledger(node, OPERATION_STATE_CLOSED),
    );
    expect(operation.outcome).toBe(Outcome.OUTCOME_UNSPECIFIED);
    expect(operation.endedMs).toBe(0n);
    expect(operation.nodes[0]?.failure?.code).toBe('NODE_UNREACHABLE');
    expect(report).toBeUndefined();
  });

  it('is rolled back once it is undone wherever it was known', () => {
    const { operation } = observed((node) =>
      node === NODES[0] ? 'unknown' : ledger(node, OPERATION_STATE_UNDONE),
    );
    expect(operation.outcome).toBe(Outcome.OUTCOME_ROLLED_BACK);
  });

  it('shows how far each node is, who commands, and that it is being undone', () => {
    const { operation } = observed((node) =>
      ledger(node, OPERATION_STATE_OPEN, [Step.STEP_STAGE, Step.STEP_UNDO_STOP]),
    );
    expect(operation).toMatchObject({
      outcome: Outcome.OUTCOME_UNSPECIFIED,
      undoing: true,
      phase: Phase.PHASE_STAGE,
      epoch: { number: 7n, coordinatorId: 'coordinator-2.ab' },
    });
    expect(operation.nodes.every((each) => each.phase === Phase.PHASE_STAGE && each.done)).toBe(true);
  });
});
