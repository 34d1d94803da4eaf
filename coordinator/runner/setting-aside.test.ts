import { systemClock } from '@lockstep/shared/clock.ts';
import {
  ObserveMemberResponse,
  OperationState,
  ReadLedgerResponse,
  Step,
  StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { describe, expect, it } from 'vitest';
import type { AgentClient } from './ports.ts';
import { SettingAside } from './setting-aside.ts';

const RESTORE = RestorePlan.fromPartial({
  operationId: 'r-1',
  cluster: 'lab',
  createdMs: 5n,
  nodes: [{ node: 'cp1' }],
  leftOut: [
    { node: 'cp2', memberId: 'm2' },
    { node: 'cp3', memberId: 'm3' },
  ],
});
const NOTHING = ReadLedgerResponse.fromPartial({ ledgerId: 'ledger-3', node: 'cp3' });

interface Situation {
  /** Of cp3's member. */
  readonly own: string;
  /** What serves, by node. */
  readonly serving: Readonly<Record<string, string>>;
  readonly fails?: boolean;
}

/** cp3 answers after a restore that left it out: what it is asked, and whether it must be looked at again. */
async function look({
  own,
  serving,
  fails = false,
}: Situation): Promise<{ asked: string[]; isDone: boolean }> {
  const asked: string[] = [];
  const client = (node: string): AgentClient =>
    ({
      node,
      address: `${node}:7443`,
      readLedger: async () =>
        node === 'cp1'
          ? ReadLedgerResponse.fromPartial({
              node,
              operationId: 'r-1',
              state: OperationState.OPERATION_STATE_CLOSED,
              plan: Buffer.from(RestorePlan.encode(RESTORE).finish()),
            })
          : NOTHING,
      describe: async () =>
        NodeReport.fromPartial({ ledgerId: 'ledger-3', etcd: { name: 'cp3', clusterId: own } }),
      observeMember: async () =>
        ObserveMemberResponse.fromPartial({
          serving: node in serving,
          clusterId: serving[node] ?? '',
        }),
      promise: async ({ plan }: { plan: Buffer }) => {
        asked.push(`promise ${RestorePlan.decode(plan).kind}`);
        return { promised: undefined, state: 0 };
      },
      execute: async ({ step }: { step: Step }) => {
        asked.push(`execute ${step}`);
        if (fails) throw new Error('it dies');
        return StepResult.fromPartial({});
      },
    }) as unknown as AgentClient;
  const names = ['cp1', 'cp2', 'cp3'];
  const settingAside = new SettingAside({
    coordinatorId: 'c1',
    agents: {
      known: () => names.map((node) => ({ node, address: `${node}:7443` })),
      client: ({ node }) => client(node),
    },
    clock: systemClock,
    logger: createLogger('test', 'silent'),
  });
  const agent = { node: 'cp3', address: 'cp3:7443' };
  const isDone = await settingAside.look(agent, NOTHING, new AbortController().signal);
  return { asked, isDone };
}

const PARKED = [`promise ${PlanKind.PLAN_KIND_SET_ASIDE}`, `execute ${Step.STEP_SET_ASIDE}`];

describe('a node that was left out and answers', () => {
  it('is set aside with OLD', async () => {
    expect(await look({ own: 'old', serving: { cp1: 'new' } })).toEqual({ asked: PARKED, isDone: true });
  });

  it('is set aside also where another that was left out serves OLD beside it', async () => {
    const both = { cp2: 'old', cp1: 'new' };
    expect(await look({ own: 'old', serving: both })).toEqual({ asked: PARKED, isDone: true });
  });

  it('is left alone where it has joined anew', async () => {
    expect(await look({ own: 'new', serving: { cp1: 'new' } })).toEqual({ asked: [], isDone: true });
  });

  it('is looked at again where it cannot be told, or could not be done', async () => {
    expect(await look({ own: '', serving: { cp1: 'new' } })).toEqual({ asked: [], isDone: false });
    expect(await look({ own: 'old', serving: { cp2: 'old' } })).toEqual({ asked: [], isDone: false });
    const failed = await look({ own: 'old', serving: { cp1: 'new' }, fails: true });
    expect(failed).toEqual({ asked: PARKED, isDone: false });
  });
});
