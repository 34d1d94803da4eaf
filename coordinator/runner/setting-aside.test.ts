import { systemClock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
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
  /** Of cp3's member; undefined: it has none. */
  readonly own: string | undefined;
  /** What serves, by node. */
  readonly serving: Readonly<Record<string, string>>;
  /** What cp1 committed. */
  readonly restore?: RestorePlan;
  /** Whose ledger cannot be read. */
  readonly silent?: readonly string[];
  /** The step ends without a result, or says that it failed. */
  readonly step?: 'dies' | 'fails';
}

/** cp3 answers after a restore that left it out: everything that it is asked, and what is logged. */
class Scene {
  readonly asked: string[] = [];
  readonly errors: unknown[] = [];
  readonly stop = new AbortController();
  readonly settingAside: SettingAside;
  readonly #situation: Situation;

  constructor(situation: Situation) {
    this.#situation = situation;
    const logger = createLogger('test', 'silent');
    logger.error = (fields: unknown) => this.errors.push(fields);
    this.settingAside = new SettingAside({
      coordinatorId: 'c1',
      agents: {
        known: () => ['cp1', 'cp2', 'cp3'].map((node) => ({ node, address: `${node}:7443` })),
        client: ({ node }) => this.#client(node),
      },
      clock: systemClock,
      logger,
    });
  }

  look(): Promise<boolean> {
    return this.settingAside.look(CP3, NOTHING, this.stop.signal);
  }

  #client(node: string): AgentClient {
    const { own, serving, restore = RESTORE, silent = [], step } = this.#situation;
    return {
      node,
      address: `${node}:7443`,
      readLedger: async () => {
        if (silent.includes(node)) throw new LockstepError('UNREACHABLE', { message: 'no route' });
        return node === 'cp1' ? committed(node, restore) : NOTHING;
      },
      describe: async () => {
        this.asked.push('describe');
        const etcd = own === undefined ? {} : { etcd: { name: 'cp3', clusterId: own } };
        return NodeReport.fromPartial({ ledgerId: 'ledger-3', ...etcd });
      },
      observeMember: async () => {
        this.asked.push(`observe ${node}`);
        return ObserveMemberResponse.fromPartial({
          serving: node in serving,
          clusterId: serving[node] ?? '',
        });
      },
      promise: async ({ plan, epoch }: { plan: Buffer; epoch: { number: bigint } }) => {
        this.asked.push(`promise ${RestorePlan.decode(plan).kind} under ${epoch.number}`);
        return { promised: undefined, state: 0 };
      },
      execute: async ({ step: asked }: { step: Step }) => {
        this.asked.push(`execute ${asked}`);
        if (step === 'dies') throw new Error('it dies');
        const failure = { code: 'STOP_UNPROVEN', message: 'etcd runs' };
        return StepResult.fromPartial(step === 'fails' ? { failure } : {});
      },
    } as unknown as AgentClient;
  }
}

const CP3 = { node: 'cp3', address: 'cp3:7443' };

function committed(node: string, plan: RestorePlan): ReadLedgerResponse {
  return ReadLedgerResponse.fromPartial({
    node,
    operationId: plan.operationId,
    state: OperationState.OPERATION_STATE_CLOSED,
    promised: { number: 7n, coordinatorId: 'c0' },
    plan: Buffer.from(RestorePlan.encode(plan).finish()),
  });
}

const LOOKED = ['describe', 'observe cp1'];
const PARKED = [`promise ${PlanKind.PLAN_KIND_SET_ASIDE} under 1`, `execute ${Step.STEP_SET_ASIDE}`];
const NEW_SERVES = { cp1: 'new' };

async function look(situation: Situation): Promise<{ asked: readonly string[]; isDone: boolean }> {
  const scene = new Scene(situation);
  const isDone = await scene.look();
  return { asked: scene.asked, isDone };
}

describe('a node that was left out and answers', () => {
  it('is set aside with OLD, and only who took part is asked what serves now', async () => {
    const looked = { asked: [...LOOKED, ...PARKED], isDone: true };
    expect(await look({ own: 'old', serving: NEW_SERVES })).toEqual(looked);
    // Another that was left out serves OLD beside it, or never answers.
    expect(await look({ own: 'old', serving: { cp2: 'old', cp1: 'new' } })).toEqual(looked);
    expect(await look({ own: 'old', serving: NEW_SERVES, silent: ['cp2'] })).toEqual(looked);
  });

  it('is left alone where it has joined anew, and where it has no member', async () => {
    expect(await look({ own: 'new', serving: NEW_SERVES })).toEqual({ asked: LOOKED, isDone: true });
    expect(await look({ own: undefined, serving: NEW_SERVES })).toEqual({
      asked: ['describe'],
      isDone: true,
    });
  });

  it('is looked at again where it cannot be told', async () => {
    expect(await look({ own: '', serving: NEW_SERVES })).toEqual({ asked: LOOKED, isDone: false });
    expect(await look({ own: 'old', serving: { cp2: 'old' } })).toEqual({ asked: LOOKED, isDone: false });
  });

  it.each(['dies', 'fails'] as const)(
    'is looked at again where the step %s, and that is logged',
    async (step) => {
      const scene = new Scene({ own: 'old', serving: NEW_SERVES, step });
      expect([await scene.look(), scene.asked]).toEqual([false, [...LOOKED, ...PARKED]]);
      expect(scene.errors).toHaveLength(1);
    },
  );

  it('is nobody’s error where the program stops', async () => {
    const scene = new Scene({ own: 'old', serving: NEW_SERVES, step: 'dies' });
    scene.stop.abort();
    expect([await scene.look(), scene.errors]).toEqual([false, []]);
  });
});

describe('a node that was not left out', () => {
  it('is not even looked at', async () => {
    const restore = RestorePlan.fromPartial({ ...RESTORE, leftOut: [{ node: 'cp2', memberId: 'm2' }] });
    expect(await look({ own: 'old', serving: NEW_SERVES, restore })).toEqual({ asked: [], isDone: true });
  });
});

describe('a setting aside that was cut short', () => {
  const plan = (kind: PlanKind): RestorePlan => RestorePlan.fromPartial({ operationId: 'a-1', kind });

  it('goes on under the plan that the ledger holds, above what it promised', async () => {
    const scene = new Scene({ own: 'old', serving: NEW_SERVES });
    const own = committed('cp3', plan(PlanKind.PLAN_KIND_SET_ASIDE));
    await scene.settingAside.resume(CP3, own, scene.stop.signal);
    expect(scene.asked).toEqual([
      `promise ${PlanKind.PLAN_KIND_SET_ASIDE} under 8`,
      `execute ${Step.STEP_SET_ASIDE}`,
    ]);
  });

  it('is no restore', async () => {
    const scene = new Scene({ own: 'old', serving: NEW_SERVES });
    const own = committed('cp3', plan(PlanKind.PLAN_KIND_UNSPECIFIED));
    await expect(scene.settingAside.resume(CP3, own, scene.stop.signal)).rejects.toThrow('sets nobody aside');
    expect(scene.asked).toEqual([]);
  });
});
