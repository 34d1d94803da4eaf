import {
  OperationState as LedgerState,
  ReadLedgerResponse,
  Step,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { nextOfRejoin } from './rejoin.ts';

const plan = RestorePlan.fromPartial({
  operationId: 'r-1',
  rejoins: { node: 'cp3' },
  nodes: [{ node: 'cp1' }, { node: 'cp3' }],
});
const OPEN = LedgerState.OPERATION_STATE_OPEN;
const CLOSED = LedgerState.OPERATION_STATE_CLOSED;
const UNDONE = LedgerState.OPERATION_STATE_UNDONE;
const NEVER = LedgerState.OPERATION_STATE_UNSPECIFIED;
const { STEP_REJOIN_ADMIT, STEP_REJOIN_EMPTY, STEP_REJOIN_START } = Step;
const { STEP_REJOIN_PROMOTE, STEP_REJOIN_SERVE, STEP_REJOIN_BACK } = Step;

/** A ledger in which these steps are done, and those in brackets only begun. */
function ledger(state: LedgerState, ...steps: (Step | [Step])[]): ReadLedgerResponse {
  return ReadLedgerResponse.fromPartial({
    operationId: 'r-1',
    state,
    effects: steps.map((step) => ({
      step: Array.isArray(step) ? step[0] : step,
      completedMs: Array.isArray(step) ? 0n : 5n,
    })),
  });
}

function next(
  sponsor: ReadLedgerResponse | undefined,
  joiner: ReadLedgerResponse | undefined,
  back = false,
): string {
  const ledgers = new Map<string, ReadLedgerResponse>();
  if (sponsor !== undefined) ledgers.set('cp1', sponsor);
  if (joiner !== undefined) ledgers.set('cp3', joiner);
  const found = nextOfRejoin(plan, ledgers, back);
  if (found.kind === 'step') return `${found.node} ${found.step}`;
  return found.kind === 'ended' ? `ended ${found.outcome}` : found.kind;
}

describe('a re-join', () => {
  it.each<[string, string, string]>([
    ['admits first', next(ledger(OPEN), ledger(OPEN)), `cp1 ${STEP_REJOIN_ADMIT}`],
    [
      'admits until it is done',
      next(ledger(OPEN, [STEP_REJOIN_ADMIT]), ledger(OPEN)),
      `cp1 ${STEP_REJOIN_ADMIT}`,
    ],
    [
      'admits although the node was quicker',
      next(ledger(OPEN), ledger(OPEN, STEP_REJOIN_EMPTY, STEP_REJOIN_START)),
      `cp1 ${STEP_REJOIN_ADMIT}`,
    ],
    ['then empties', next(ledger(OPEN, STEP_REJOIN_ADMIT), ledger(OPEN)), `cp3 ${STEP_REJOIN_EMPTY}`],
    [
      'empties until it is done',
      next(ledger(OPEN, STEP_REJOIN_ADMIT), ledger(OPEN, [STEP_REJOIN_EMPTY])),
      `cp3 ${STEP_REJOIN_EMPTY}`,
    ],
    [
      'empties before it starts',
      next(ledger(OPEN, STEP_REJOIN_ADMIT), ledger(OPEN, STEP_REJOIN_START)),
      `cp3 ${STEP_REJOIN_EMPTY}`,
    ],
    [
      'then starts',
      next(ledger(OPEN, STEP_REJOIN_ADMIT), ledger(OPEN, STEP_REJOIN_EMPTY)),
      `cp3 ${STEP_REJOIN_START}`,
    ],
    [
      'starts until it is done',
      next(ledger(OPEN, STEP_REJOIN_ADMIT), ledger(OPEN, STEP_REJOIN_EMPTY, [STEP_REJOIN_START])),
      `cp3 ${STEP_REJOIN_START}`,
    ],
    [
      'then promotes',
      next(ledger(OPEN, STEP_REJOIN_ADMIT), ledger(OPEN, STEP_REJOIN_EMPTY, STEP_REJOIN_START)),
      `cp1 ${STEP_REJOIN_PROMOTE}`,
    ],
    ['then serves', next(ledger(CLOSED), ledger(OPEN)), `cp3 ${STEP_REJOIN_SERVE}`],
    ['and is over', next(ledger(CLOSED), ledger(CLOSED)), `ended ${Outcome.OUTCOME_RESTORED}`],
  ])('%s', (_what, found, expected) => {
    expect(found).toBe(expected);
  });

  it.each<[string, string, string]>([
    [
      'at the sponsor’s, on an operator’s word',
      next(ledger(OPEN), ledger(OPEN), true),
      `cp1 ${STEP_REJOIN_BACK}`,
    ],
    ['where it was begun', next(ledger(OPEN, [STEP_REJOIN_BACK]), ledger(OPEN)), `cp1 ${STEP_REJOIN_BACK}`],
    ['where the node never promised', next(ledger(OPEN), ledger(NEVER)), `cp1 ${STEP_REJOIN_BACK}`],
    ['then on the node', next(ledger(UNDONE), ledger(OPEN)), `cp3 ${STEP_REJOIN_BACK}`],
    ['and is over', next(ledger(UNDONE), ledger(UNDONE)), `ended ${Outcome.OUTCOME_ROLLED_BACK}`],
    [
      'and is over where the node never promised',
      next(ledger(UNDONE), ledger(NEVER)),
      `ended ${Outcome.OUTCOME_ROLLED_BACK}`,
    ],
  ])('goes back %s', (_what, found, expected) => {
    expect(found).toBe(expected);
  });

  it.each<[string, string]>([
    ['the node is undone and the sponsor closed', next(ledger(CLOSED), ledger(UNDONE))],
    ['the node is closed and the sponsor undone', next(ledger(UNDONE), ledger(CLOSED))],
    ['the node is closed and the sponsor open', next(ledger(OPEN), ledger(CLOSED))],
    ['the sponsor never promised', next(ledger(NEVER), ledger(OPEN))],
    ['the sponsor’s ledger is not there', next(undefined, ledger(OPEN))],
    ['the node’s ledger is not there', next(ledger(OPEN), undefined)],
  ])('is impossible where %s', (_what, found) => {
    expect(found).toBe('impossible');
  });
});
