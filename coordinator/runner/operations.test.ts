import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  OperationState as LedgerState,
  ReadLedgerResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { modelPlan } from '../core/testing/driver.ts';
import { Operations } from './operations.ts';
import type { AgentClient, Leader } from './ports.ts';
import { ManualClock } from './testing/manual-clock.ts';

const plan = { ...modelPlan(), operationId: 'r-20260101-000000-abcdef' };
const planBytes = Buffer.from(RestorePlan.encode(plan).finish());
const { operationId } = plan;
const OTHER: Leader = { coordinator: 'coordinator-2', address: '10.0.0.101:7444' };
const signal = new AbortController().signal;

/** Agents that only read their ledgers out: whatever else is asked of them is not answered. */
function agentsWith(state: LedgerState): ConstructorParameters<typeof Operations>[0]['agents'] {
  const known = plan.nodes.map(({ node, address }) => ({ node, address }));
  return {
    known: () => known,
    client: ({ node, address }) => {
      const ledgerId = plan.nodes.find((each) => each.node === node)?.ledgerId ?? '';
      const held = { node, ledgerId, operationId, state, plan: planBytes };
      const readLedger = async (id: string): Promise<ReadLedgerResponse> => {
        if (id !== '' && id !== operationId) throw new LockstepError('OPERATION_NOT_FOUND', { node });
        return ReadLedgerResponse.fromPartial(held);
      };
      const promise = (): Promise<never> => new Promise(() => {});
      return { node, address, readLedger, promise } as unknown as AgentClient;
    },
  };
}

let other: Leader | undefined;
beforeEach(() => {
  other = undefined;
});

function operationsWith(state: LedgerState): Operations {
  return new Operations({
    cluster: plan.cluster,
    coordinatorId: 'coordinator-1.aa',
    agents: agentsWith(state),
    plans: { put: async () => {}, get: async () => undefined },
    journal: {
      load: async () => [],
      begin: () => {},
      append: () => {},
      end: () => {},
      flush: async () => {},
    },
    announcer: { announce: () => {} },
    leadership: {
      leads: false,
      get other() {
        return other;
      },
      elected: true,
      silent: false,
      onChange: () => ({ [Symbol.dispose]: () => {} }),
      reaches: () => {},
    },
    clock: new ManualClock(),
    logger: createLogger('test', 'silent'),
  });
}

const OPEN = LedgerState.OPERATION_STATE_OPEN;
const CLOSED = LedgerState.OPERATION_STATE_CLOSED;
const REQUEST = { operationId, planSha256: '', confirmCluster: plan.cluster };

describe('a coordinator that never saw the operation', () => {
  it('finds it in the ledgers, by its name and as the latest', async () => {
    const operations = operationsWith(CLOSED);
    for (const wanted of [operationId, '']) {
      const found = await operations.find(wanted, signal);
      expect(found?.operation).toMatchObject({ operationId, outcome: Outcome.OUTCOME_RESTORED });
      expect(found?.plan.operationId).toBe(operationId);
    }
    expect((await operations.listAll(signal)).map((each) => each.operationId)).toStrictEqual([operationId]);
  });

  it('does not find what no ledger holds', async () => {
    const operations = operationsWith(CLOSED);
    expect(await operations.find('r-none', signal)).toBeUndefined();
    await expect(operations.resume('r-none', signal)).rejects.toMatchObject({ code: 'OPERATION_NOT_FOUND' });
  });

  it('resumes it on a person’s word where nobody is known to lead', async () => {
    const operations = operationsWith(OPEN);
    expect(await operations.resume(operationId, signal)).toMatchObject({ operationId });
    expect(operations.running).toBeDefined();
    await operations.close();
  });

  it('resumes nothing that has ended', async () => {
    await expect(operationsWith(CLOSED).resume(operationId, signal)).rejects.toMatchObject({
      code: 'OPERATION_ENDED',
    });
  });
});

describe('where another coordinator leads', () => {
  beforeEach(() => {
    other = OTHER;
  });

  it('nothing is begun, resumed or aborted, and who leads is named', async () => {
    const operations = operationsWith(OPEN);
    const expected = { code: 'NOT_LEADER', message: 'coordinator-2 leads at 10.0.0.101:7444' };
    expect(await operations.start(undefined, REQUEST, signal)).toMatchObject([expected]);
    await expect(operations.resume(operationId, signal)).rejects.toMatchObject(expected);
    await expect(operations.abort(operationId, 'ada', '', signal)).rejects.toMatchObject(expected);
    expect(operations.isBusy).toBe(false);
  });

  it('an operation is read from the ledgers, and watched where it runs', async () => {
    const operations = operationsWith(OPEN);
    const found = await operations.find(operationId, signal);
    expect(found?.operation.outcome).toBe(Outcome.OUTCOME_UNSPECIFIED);
    await expect(operations.watch(operationId, 0n, signal).next()).rejects.toMatchObject({
      code: 'NOT_LEADER',
    });
  });

  it('what this one runs it may still abort', async () => {
    other = undefined;
    const operations = operationsWith(OPEN);
    await operations.resume(operationId, signal);
    other = OTHER;
    await expect(operations.abort(operationId, 'ada', '', signal)).resolves.toMatchObject({ operationId });
    await operations.close();
  });
});
