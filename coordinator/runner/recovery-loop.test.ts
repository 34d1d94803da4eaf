import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@lockstep/shared/clock.ts';
import { OperationState, ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { expect, it, vi } from 'vitest';
import { type OperationState as State, takenOverOperation } from '../core/state.ts';
import { modelPlan } from '../core/testing/driver.ts';
import { alwaysLeads } from './always-leads.ts';
import type { Operations } from './operations.ts';
import type { AgentClient } from './ports.ts';
import { RecoveryLoop } from './recovery-loop.ts';

/** Twice as long as the loop pauses before it looks again. */
const SEVERAL_LOOKS_MS = 1_000;

/** How often a loop over one agent, whose ledger has r-1 open, takes it over within several looks. */
async function takeovers(
  operations: Pick<Operations, 'waitsForPerson'>,
  last: State['stage'],
): Promise<number> {
  const open = ReadLedgerResponse.fromPartial({
    operationId: 'r-1',
    state: OperationState.OPERATION_STATE_OPEN,
  });
  const agent = { node: 'cp1', address: '10.0.0.1:7441' };
  const client = { ...agent, readLedger: async () => open } as unknown as AgentClient;
  const epoch = { number: 1n, coordinatorId: 'c1' };
  const takeOver = vi.fn(async () => ({ ...takenOverOperation(modelPlan(), epoch, 0), stage: last }));
  const loop = new RecoveryLoop({
    agents: { known: () => [agent], client: () => client },
    operations: { isBusy: false, takeOver, knowsEnd: () => true, ...operations } as unknown as Operations,
    leadership: alwaysLeads,
    settingAside: { look: async () => true, resume: async () => undefined },
    clock: systemClock,
    logger: createLogger('test', 'silent'),
  });
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  await delay(SEVERAL_LOOKS_MS);
  stop.abort();
  await running;
  return takeOver.mock.calls.length;
}

it('stands back from an operation that another coordinator took from it', async () => {
  expect(await takeovers({ waitsForPerson: () => false }, { kind: 'superseded' })).toBe(1);
});

it('leaves alone what waits for a person, whoever ended it so', async () => {
  expect(await takeovers({ waitsForPerson: () => true }, { kind: 'superseded' })).toBe(0);
});
