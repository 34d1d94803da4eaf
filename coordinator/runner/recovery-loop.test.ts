import { setTimeout as delay } from 'node:timers/promises';
import { OperationState, ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { expect, it, vi } from 'vitest';
import { takenOverOperation } from '../core/state.ts';
import { modelPlan } from '../core/testing/driver.ts';
import type { Operations } from './operations.ts';
import type { AgentClient } from './ports.ts';
import { RecoveryLoop } from './recovery-loop.ts';

/** Twice as long as the loop pauses before it looks again. */
const SEVERAL_LOOKS_MS = 1_000;

it('stands back from an operation that another coordinator took from it', async () => {
  const open = ReadLedgerResponse.fromPartial({
    operationId: 'r-1',
    state: OperationState.OPERATION_STATE_OPEN,
  });
  const agent = { node: 'cp1', address: '10.0.0.1:7441' };
  const client = { ...agent, readLedger: async () => open } as unknown as AgentClient;
  const epoch = { number: 1n, coordinatorId: 'c1' };
  const superseded = { ...takenOverOperation(modelPlan(), epoch, 0), stage: { kind: 'superseded' } as const };
  const takeOver = vi.fn(async () => superseded);
  const operations = { isBusy: false, takeOver, knowsEnd: () => false } as unknown as Operations;
  const loop = new RecoveryLoop(
    { known: () => [agent], client: () => client },
    operations,
    createLogger('test', 'silent'),
  );
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  await delay(SEVERAL_LOOKS_MS);
  stop.abort();
  await running;
  expect(takeOver).toHaveBeenCalledTimes(1);
});
