import { LockstepError, refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  OperationState as LedgerState,
  type ReadLedgerResponse,
  Step,
  StepProgress,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { describe, expect, it } from 'vitest';
import type { Ask } from '../core/events.ts';
import { isUnended } from '../core/recovery.ts';
import { modelPlan } from '../core/testing/driver.ts';
import { ModelAgent } from '../core/testing/model-agent.ts';
import { Operations } from './operations.ts';
import type { AgentClient, Leader, OperationRecord, StoredPlan } from './ports.ts';
import { ManualClock } from './testing/manual-clock.ts';

const signal = new AbortController().signal;
const operationId = 'r-20260101-000000-abcdef';

/** A coordinator over agents that keep their ledgers in memory; nothing waits but on the clock. */
class Scene {
  readonly clock = new ManualClock();
  readonly agents = new Map<string, ModelAgent>();
  readonly asked: string[] = [];
  /** By promises: the node that was asked, and the ledger that was named to it. */
  readonly ledgersNamed: string[] = [];
  readonly silent = new Set<string>();
  /** Steps are answered with nothing at all: no agent does that. */
  broken = false;
  /** What an agent says of a step while it is at it. */
  during: (node: string, tell: (progress: StepProgress) => void) => Promise<void> = async () => {};
  /** What is in the way of the ledgers that are read now. */
  held: Promise<void> | undefined;
  /** Plans of ledgers that hold another operation. */
  readonly plans = new Map<string, Uint8Array>();
  readonly journal: string[] = [];
  readonly announced: OperationEvent[] = [];
  readonly plan: RestorePlan;
  readonly stored: StoredPlan;
  other: Leader | undefined;
  records: OperationRecord[] = [];
  readonly operations: Operations;
  known: { node: string; address: string }[];

  constructor(change: object = {}) {
    this.plan = modelPlan({ operationId, expiresMs: 2_000_000n, ...change });
    const planBytes = Buffer.from(RestorePlan.encode(this.plan).finish());
    this.stored = {
      operationId,
      planSha256: 'digest',
      planBytes,
      refusals: [],
      warnings: [],
      approval: undefined,
      expiresMs: 2_000_000,
    };
    for (const { node, ledgerId } of this.plan.nodes) this.agents.set(node, new ModelAgent(node, ledgerId));
    this.known = this.plan.nodes.map(({ node, address }) => ({ node, address }));
    this.operations = this.coordinator();
  }

  coordinator(coordinatorId = 'coordinator-1.aa'): Operations {
    const other = (): Leader | undefined => this.other;
    return new Operations({
      cluster: this.plan.cluster,
      coordinatorId,
      agents: { known: () => this.known, client: (address) => this.#client(address) },
      plans: { put: async () => {}, get: async () => undefined },
      journal: {
        load: async () => this.records,
        begin: ({ operationId: id }) => this.journal.push(`begin ${id}`),
        append: ({ event }) => this.journal.push(event?.$case ?? ''),
        end: (id, { outcome }) => this.journal.push(`end ${id} ${outcome}`),
        flush: async () => {},
      },
      announcer: { announce: (event) => this.announced.push(event) },
      leadership: {
        leads: true,
        get other() {
          return other();
        },
        elected: true,
        silent: false,
        onChange: () => ({ [Symbol.dispose]: () => {} }),
        reaches: () => {},
      },
      clock: this.clock,
      logger: createLogger('test', 'silent'),
    });
  }

  agent(node: string): ModelAgent {
    return this.agents.get(node) as ModelAgent;
  }

  start(
    operations = this.operations,
    change: object = {},
  ): Promise<readonly { code: string; node: string }[]> {
    const request = { operationId, planSha256: 'digest', confirmCluster: this.plan.cluster, ...change };
    return operations.start(this.stored, request, signal);
  }

  #client({ node, address }: { node: string; address: string }): AgentClient {
    const ask = async (question: Ask): Promise<never> => {
      this.asked.push(`${question.kind}${question.kind === 'execute' ? ` ${question.step}` : ''} ${node}`);
      if (this.silent.has(node)) throw new LockstepError('UNREACHABLE', { node });
      const agent = this.agents.get(node);
      const answer = agent?.answer(operationId, question, this.clock.nowMs());
      if (answer === undefined || 'code' in answer) {
        throw new LockstepError((answer?.code ?? 'UNREACHABLE') as 'UNREACHABLE', {
          node,
          message: answer?.message ?? 'no such agent',
        });
      }
      return answer as never;
    };
    return {
      node,
      address,
      promise: async ({ epoch, ledgerId }: { epoch: never; ledgerId: string }) => {
        this.ledgersNamed.push(`${node} ${ledgerId}`);
        return ask({ kind: 'promise', epoch });
      },
      commit: async ({ epoch }: { epoch: never }) => ask({ kind: 'commit', epoch }),
      execute: async (
        { epoch, step }: { epoch: never; step: Step },
        tell: (progress: StepProgress) => void,
      ) => {
        await this.during(node, tell);
        await ask({ kind: 'execute', epoch, step, timeoutMs: 1 });
        const canaryRevision = step === Step.STEP_PREPARE_GATE ? 2_000_000_001n : 0n;
        return this.broken
          ? undefined
          : { failure: undefined, newStore: undefined, drift: [], canaryRevision };
      },
      observeMember: async (hashRevision: bigint) =>
        ((await ask({ kind: 'observe', hashRevision })) as unknown as { member: object }).member,
      readLedger: async (): Promise<ReadLedgerResponse> => {
        await this.held;
        const { ledger } = (await ask({ kind: 'read-ledger' })) as unknown as { ledger: ReadLedgerResponse };
        const plan = this.plans.get(node) ?? this.stored.planBytes;
        return { ...ledger, plan: Buffer.from(ledger.operationId === '' ? [] : plan) };
      },
    } as unknown as AgentClient;
  }
}

const codes = (refusals: readonly { code: string; node: string }[]): string[] =>
  refusals.map(({ code, node }) => `${code} ${node}`.trim());

describe('a plan that is started', () => {
  it('is carried out, told in order, and put on record', async () => {
    const scene = new Scene();
    scene.agent('cp2').promised = { number: 41n, coordinatorId: 'c0' };
    expect(await scene.start()).toEqual([]);
    expect(scene.operations.running?.state.epoch).toEqual({ number: 42n, coordinatorId: 'coordinator-1.aa' });
    expect([
      scene.operations.isBusy,
      scene.operations.begun,
      scene.operations.records.knowsEnd(operationId),
    ]).toEqual([true, 1, false]);
    await scene.clock.pass(60_000);
    expect([
      scene.operations.isBusy,
      scene.operations.records.knowsEnd(operationId),
      scene.operations.running,
    ]).toEqual([false, true, undefined]);
    expect(scene.operations.records.get('')?.operation.outcome).toBe(Outcome.OUTCOME_RESTORED);
    const phases = scene.operations.records.get('')?.report?.phases.map(({ phase }) => phase);
    expect([phases?.at(0), phases?.at(-1)]).toEqual([Phase.PHASE_PROMISE, Phase.PHASE_REPORT]);
    expect(scene.journal[0]).toBe(`begin ${operationId}`);
    expect(scene.journal.at(-1)).toBe(`end ${operationId} ${Outcome.OUTCOME_RESTORED}`);
    expect(scene.journal.filter((each) => each === 'operationEnded')).toHaveLength(1);
    expect(scene.announced.length).toBe(scene.journal.length - 2);
    const told: OperationEvent[] = [];
    for await (const event of scene.operations.watch(operationId, 0n, signal)) told.push(event);
    expect(told).toEqual(scene.announced);
    expect(scene.asked.filter((each) => each.startsWith('commit')).length).toBe(3);
    expect(scene.ledgersNamed).toEqual(['cp1 ledger-1', 'cp2 ledger-2', 'cp3 ledger-3']);
  });

  it.each<[string, (scene: Scene) => Promise<readonly { code: string; node: string }[]>, string[]]>([
    ['another digest', (s) => s.start(undefined, { planSha256: 'other' }), ['PLAN_NOT_FOUND']],
    [
      'another cluster’s name',
      (s) => s.start(undefined, { confirmCluster: 'prod' }),
      ['CONFIRMATION_MISMATCH'],
    ],
    [
      'no plan',
      (s) => s.operations.start(undefined, { operationId, planSha256: 'digest', confirmCluster: '' }, signal),
      ['PLAN_NOT_FOUND'],
    ],
    [
      'refusals of its own',
      (s) => {
        Object.assign(s.stored, { refusals: [refusal('SPACE_TOO_LITTLE', 'full', 'cp1')] });
        return s.start();
      },
      ['SPACE_TOO_LITTLE cp1'],
    ],
    [
      'nobody’s approval',
      (s) => {
        const plan = { ...s.plan, approvalNeeds: [{ code: 'DESTROYED', message: 'cp3' }] };
        Object.assign(s.stored, { planBytes: Buffer.from(RestorePlan.encode(plan).finish()) });
        return s.start();
      },
      ['APPROVAL_MISSING'],
    ],
    [
      'a node that does not answer',
      (s) => {
        s.silent.add('cp2');
        return s.start();
      },
      ['NODE_MISSING cp2'],
    ],
    [
      'a node that is not known any more',
      (s) => {
        s.known = s.known.slice(0, 2);
        return s.start();
      },
      ['NODE_MISSING cp3'],
    ],
    [
      'an operation open somewhere',
      (s) => {
        Object.assign(s.agent('cp3'), { operationId: 'r-0', state: LedgerState.OPERATION_STATE_OPEN });
        return s.start();
      },
      ['OPERATION_IN_PROGRESS cp3'],
    ],
    [
      'one committed somewhere',
      (s) => {
        Object.assign(s.agent('cp1'), { operationId: 'r-0', state: LedgerState.OPERATION_STATE_COMMITTED });
        return s.start();
      },
      ['OPERATION_IN_PROGRESS cp1'],
    ],
  ])('is refused with %s, and nothing is begun', async (_what, start, expected) => {
    const scene = new Scene();
    expect(codes(await start(scene))).toEqual(expected);
    expect([scene.operations.isBusy, scene.operations.begun, scene.journal]).toEqual([false, 0, []]);
    expect(scene.asked.some((each) => each.startsWith('promise'))).toBe(false);
  });

  it('is in time until the moment that it expires', async () => {
    const inTime = new Scene({ expiresMs: 1_000_000n });
    expect(await inTime.start()).toEqual([]);
    expect(codes(await new Scene({ expiresMs: 999_999n }).start())).toEqual(['PLAN_EXPIRED']);
  });

  it('is the only one, and is run once', async () => {
    const scene = new Scene();
    const [first, second] = await Promise.all([scene.start(), scene.start()]);
    expect([codes(first), codes(second)]).toEqual([[], ['OPERATION_IN_PROGRESS']]);
    await scene.clock.pass(60_000);
    expect(codes(await scene.start())).toEqual(['OPERATION_ENDED']);
    expect(codes(await scene.start(undefined, { planSha256: 'other' }))).toEqual(['OPERATION_ENDED']);
  });

  it('leaves the way free where it could not even be surveyed', async () => {
    const scene = new Scene();
    scene.known = null as never;
    await expect(scene.start()).rejects.toThrow(TypeError);
    expect(scene.operations.isBusy).toBe(false);
  });

  it('takes a node that was left out for away, or for set aside', async () => {
    const leftOut = [{ node: 'cp4', address: 'x', memberId: 'm4', destroyed: false }];
    const alive = new Scene({ leftOut });
    alive.known = [...alive.known, { node: 'cp4', address: 'x' }];
    alive.agents.set('cp4', new ModelAgent('cp4', 'ledger-4'));
    expect(codes(await alive.start())).toEqual(['LEFT_OUT_ALIVE cp4']);
    const away = new Scene({ leftOut });
    away.known = [...away.known, { node: 'cp4', address: 'x' }];
    away.silent.add('cp4');
    expect(await away.start()).toEqual([]);
    const aside = { operationId: 'a-1', state: LedgerState.OPERATION_STATE_CLOSED };
    Object.assign(alive.agent('cp4'), aside);
    const plan = RestorePlan.fromPartial({ operationId: 'a-1', kind: PlanKind.PLAN_KIND_SET_ASIDE });
    alive.plans.set('cp4', RestorePlan.encode(plan).finish());
    expect(await alive.start()).toEqual([]);
  });
});

describe('an abort', () => {
  it('brings OLD back before the commit, and is refused once it has begun', async () => {
    const scene = new Scene();
    await scene.start();
    await scene.operations.abort(operationId, 'eve', 'wrong one', signal);
    await scene.clock.pass(60_000);
    const { operation } = scene.operations.records.get(operationId) ?? {};
    expect(operation?.outcome).toBe(Outcome.OUTCOME_ROLLED_BACK);
    expect(operation?.failure?.message).toBe('asked for by eve: wrong one');
    const late = new Scene();
    for (let n = 0; n < 500; n += 1) late.agent('cp2').faults.push({ on: 'commit', code: 'DISK_FULL' });
    await late.start();
    await late.clock.pass(150);
    expect(late.operations.running?.state.mayBeCommitted).toBe(true);
    expect(late.operations.running?.state.stage.kind).toBe('forward');
    await expect(late.operations.abort(operationId, 'eve', '', signal)).rejects.toMatchObject({
      code: 'ALREADY_COMMITTED',
    });
  });

  it('of what has ended, or is not there, is refused', async () => {
    const scene = new Scene();
    await expect(scene.operations.abort('', 'eve', '', signal)).rejects.toMatchObject({
      code: 'OPERATION_NOT_FOUND',
    });
    await scene.start();
    await scene.clock.pass(60_000);
    await expect(scene.operations.abort(operationId, 'eve', '', signal)).rejects.toMatchObject({
      code: 'OPERATION_ENDED',
    });
    await expect(scene.operations.resume(operationId, signal)).rejects.toMatchObject({
      code: 'OPERATION_ENDED',
    });
  });
});

describe('an operation that another run began', () => {
  it('is taken over once, and finished', async () => {
    const scene = new Scene();
    await scene.start();
    await scene.operations.close();
    const next = scene.coordinator('coordinator-2.bb');
    const taken = next.takeOver(scene.stored.planBytes);
    expect(() => next.takeOver(scene.stored.planBytes)).toThrow(
      expect.objectContaining({ code: 'OPERATION_IN_PROGRESS' }),
    );
    await scene.clock.pass(120_000);
    expect((await taken).stage).toMatchObject({ kind: 'ended', outcome: Outcome.OUTCOME_RESTORED });
    expect(scene.agent('cp1').promised).toEqual({ number: 2n, coordinatorId: 'coordinator-2.bb' });
    expect(
      next.isCommandedHere(
        await scene
          .coordinator()
          .find('', signal)
          .then(() => scene.agent('cp1').ledger()),
      ),
    ).toBe(true);
    expect(scene.operations.isCommandedHere(scene.agent('cp1').ledger())).toBe(false);
    expect(scene.operations.isCommandedHere({ ...scene.agent('cp1').ledger(), promised: undefined })).toBe(
      false,
    );
  });

  it('is not taken over by a name that is none', () => {
    const scene = new Scene({ operationId: '../../etc' });
    expect(() => scene.operations.takeOver(scene.stored.planBytes)).toThrow(
      expect.objectContaining({ code: 'OPERATION_NOT_FOUND' }),
    );
    expect(scene.operations.isBusy).toBe(false);
  });

  it('waits for a person where it ended so, until a ledger has promised more', async () => {
    const scene = new Scene();
    for (let n = 0; n < 99; n += 1) {
      scene.agent('cp2').faults.push({ on: Step.STEP_SWAP, code: 'DISK_FULL' });
      scene.agent('cp3').faults.push({ on: Step.STEP_UNDO_STOP, code: 'STOP_UNPROVEN' });
    }
    await scene.start();
    await scene.clock.pass(120_000);
    const { operations } = scene;
    expect(operations.records.get(operationId)?.operation.outcome).toBe(Outcome.OUTCOME_NEEDS_OPERATOR);
    const promised = (number: bigint) => ({ number, coordinatorId: 'x' });
    expect([
      operations.records.waitsForPerson(operationId),
      operations.records.waitsForPerson(operationId, promised(1n)),
      operations.records.waitsForPerson(operationId, promised(2n)),
      operations.records.waitsForPerson('r-0'),
    ]).toEqual([true, true, false, false]);
    // A person's word: it is taken up again, and repeated.
    scene.agent('cp3').faults.splice(0);
    await operations.resume(operationId, signal);
    expect(operations.isBusy).toBe(true);
    await scene.clock.pass(120_000);
    expect(operations.records.get(operationId)?.operation.outcome).toBe(Outcome.OUTCOME_ROLLED_BACK);
    expect(operations.begun).toBe(2);
    expect(operations.records.waitsForPerson(operationId)).toBe(false);
  });

  it('that an earlier run was undoing ends with the cause that its journal remembers', async () => {
    const scene = new Scene();
    scene.agent('cp2').faults.push({ on: Step.STEP_SWAP, code: 'DISK_FULL' });
    scene.agent('cp3').faults.push({ on: Step.STEP_UNDO_VERIFY, code: 'STOP_UNPROVEN' });
    await scene.start();
    while (!scene.asked.includes(`execute ${Step.STEP_UNDO_VERIFY} cp3`)) await scene.clock.pass(1);
    const { operation } = scene.operations.records.get(operationId) ?? {};
    if (operation === undefined) throw new Error('no operation');
    await scene.operations.close();
    scene.records = [{ ...scene.stored, operation, report: undefined, events: scene.announced }];
    const next = scene.coordinator('coordinator-1.bb');
    await next.load(signal);
    const taken = next.takeOver(scene.stored.planBytes);
    await scene.clock.pass(60_000);
    expect((await taken).stage).toMatchObject({
      outcome: Outcome.OUTCOME_ROLLED_BACK,
      failure: { code: 'DISK_FULL', node: 'cp2' },
    });
  });

  it('that was rolled back is rolled back on a node that comes late, for the same reason', async () => {
    const scene = new Scene();
    await scene.start();
    await scene.operations.abort(operationId, 'eve', '', signal);
    await scene.clock.pass(60_000);
    Object.assign(scene.agent('cp3'), { state: LedgerState.OPERATION_STATE_OPEN, effects: [] });
    const taken = scene.operations.takeOver(scene.stored.planBytes);
    await scene.clock.pass(60_000);
    expect((await taken).stage).toMatchObject({
      outcome: Outcome.OUTCOME_ROLLED_BACK,
      failure: { message: 'asked for by eve' },
    });
    expect(scene.agent('cp3').state).toBe(LedgerState.OPERATION_STATE_UNDONE);
  });
});

describe('an end that the journal tells of, and no event', () => {
  it.each([Outcome.OUTCOME_ROLLED_BACK, Outcome.OUTCOME_REFUSED])(
    '(%i) is why a node that comes late is undone',
    async (outcome) => {
      const scene = new Scene();
      await scene.start();
      expect(scene.operations.records.leftOpen()).toBeUndefined();
      await scene.operations.abort(operationId, 'eve', '', signal);
      await scene.clock.pass(60_000);
      const { operation } = scene.operations.records.get(operationId) ?? {};
      if (operation?.failure === undefined) throw new Error('no failure');
      const failure = { ...operation.failure, message: 'as the journal has it' };
      scene.records = [
        { ...scene.stored, operation: { ...operation, outcome, failure }, report: undefined, events: [] },
      ];
      const next = scene.coordinator('coordinator-1.bb');
      await next.load(signal);
      Object.assign(scene.agent('cp3'), { state: LedgerState.OPERATION_STATE_OPEN, effects: [] });
      const taken = next.takeOver(scene.stored.planBytes);
      await scene.clock.pass(60_000);
      expect((await taken).stage).toMatchObject({ failure: { message: 'as the journal has it' } });
    },
  );
});

describe('a run', () => {
  it('that is closed ends where it stands, and asks nobody more', async () => {
    const scene = new Scene();
    await scene.start();
    const ended = scene.operations.running?.ended;
    const { running } = scene.operations;
    await scene.operations.close();
    const asked = scene.asked.length;
    const told = scene.announced.length;
    running?.notice('X', 'after');
    await scene.clock.pass(60_000);
    expect([scene.asked.length, scene.announced.length]).toEqual([asked, told]);
    expect((await ended)?.stage.kind).toBe('forward');
    expect(scene.journal.some((each) => each.startsWith('end '))).toBe(false);
  });

  it('that finds itself where it cannot be is a person’s, and frees the way', async () => {
    const scene = new Scene();
    await scene.start();
    scene.broken = true;
    await scene.clock.pass(5_000);
    const { operation } = scene.operations.records.get(operationId) ?? {};
    expect([operation?.outcome, operation?.phase]).toEqual([
      Outcome.OUTCOME_NEEDS_OPERATOR,
      Phase.PHASE_STAGE,
    ]);
    expect(scene.operations.isBusy).toBe(false);
  });

  it('tells how far a step is at once, then four times a second, and not once it is over', async () => {
    const scene = new Scene();
    let late: (() => void) | undefined;
    scene.during = async (node, tell) => {
      if (node !== 'cp1' || late !== undefined) return;
      const at = (doneBytes: bigint): void =>
        tell(StepProgress.fromPartial({ step: 'copying', doneBytes, totalBytes: 9n }));
      late = () => at(9n);
      at(1n);
      at(2n);
      await scene.clock.delay(249);
      at(3n);
      await scene.clock.delay(1);
      at(4n);
      await scene.clock.delay(250);
    };
    await scene.start();
    await scene.clock.pass(60_000);
    late?.();
    const told = scene.announced.flatMap(({ event }) =>
      event?.$case === 'nodeProgress' && event.value.step === 'copying' ? [event.value] : [],
    );
    expect(told.map(({ doneBytes }) => doneBytes)).toEqual([1n, 4n]);
    expect(told.map(({ node, done }) => `${node} ${done}`)).toEqual(['cp1 false', 'cp1 false']);
  });

  it('is noticed aloud while it runs, and by nobody after', async () => {
    const scene = new Scene();
    scene.operations.notice('X', 'before');
    await scene.start();
    scene.operations.notice('X', 'meanwhile');
    await scene.clock.pass(60_000);
    scene.operations.notice('X', 'after');
    const notices = scene.announced.flatMap(({ event }) =>
      event?.$case === 'notice' ? [event.value.message] : [],
    );
    expect(notices).toEqual(['meanwhile']);
  });
});

it('what the journal remembers is known, and told by its end', async () => {
  const scene = new Scene();
  await scene.start();
  await scene.clock.pass(60_000);
  const { operation, report } = scene.operations.records.get(operationId) ?? {};
  if (operation === undefined) throw new Error('no operation');
  const next = scene.coordinator();
  scene.records = [
    { ...scene.stored, operation, report, events: scene.announced },
    {
      ...scene.stored,
      operationId: 'r-1',
      operation: { ...operation, operationId: 'r-1', startedMs: 5n, outcome: Outcome.OUTCOME_UNSPECIFIED },
      report: undefined,
      events: [],
    },
  ];
  await next.load(signal);
  expect([
    next.records.knows(operationId),
    next.records.knows('r-9'),
    next.records.knowsEnd(operationId),
    next.records.knowsEnd('r-1'),
    next.records.knowsEnd('r-9'),
  ]).toEqual([true, false, true, false, false]);
  expect(next.records.list().map((each) => each.operationId)).toEqual([operationId, 'r-1']);
  expect(next.records.leftOpen()?.operationId).toBe('r-1');
});

describe('an operation that is looked for', () => {
  const OTHER = { coordinator: 'coordinator-2', address: '' };
  const drained = async (operations: Operations, id: string): Promise<number> => {
    let events = 0;
    for await (const _event of operations.watch(id, 0n, signal)) events += 1;
    return events;
  };

  it.each<[string, (scene: Scene) => unknown, Outcome]>([
    ['restored', () => undefined, Outcome.OUTCOME_RESTORED],
    [
      'rolled back',
      (s) => s.agent('cp2').faults.push({ on: Step.STEP_SWAP, code: 'DISK_FULL' }),
      Outcome.OUTCOME_ROLLED_BACK,
    ],
    [
      'refused',
      (s) => s.agent('cp2').faults.push({ on: Step.STEP_REINSPECT, code: 'PLAN_DRIFTED' }),
      Outcome.OUTCOME_REFUSED,
    ],
  ])(
    'and ended here as %s is what is on record here, and watched to its end whoever leads',
    async (_how, change, outcome) => {
      const scene = new Scene();
      change(scene);
      await scene.start();
      const before = scene.asked.length;
      const running = await scene.operations.find('', signal);
      expect(scene.asked).toHaveLength(before);
      expect([running?.operation.outcome, running?.report !== undefined]).toEqual([
        Outcome.OUTCOME_UNSPECIFIED,
        true,
      ]);
      await scene.clock.pass(60_000);
      scene.other = OTHER;
      const asked = scene.asked.length;
      const found = await scene.operations.find(operationId, signal);
      expect([found?.operation.outcome, found?.report !== undefined]).toEqual([outcome, true]);
      expect(await drained(scene.operations, operationId)).toBe(scene.announced.length);
      expect(scene.asked).toHaveLength(asked);
      expect(await scene.operations.listAll(signal)).toEqual([found?.operation]);
    },
  );

  it('and is not there is not found', async () => {
    const nowhere = new Scene();
    const { operations } = nowhere;
    expect(await operations.find('', signal)).toBeUndefined();
    // Each ledger once: of no operation nothing more is asked.
    expect(nowhere.asked).toHaveLength(3);
    await expect(drained(operations, 'r-9')).rejects.toMatchObject({ code: 'OPERATION_NOT_FOUND' });
    const scene = new Scene();
    await scene.start();
    expect(scene.operations.records.get('r-9')).toBeUndefined();
    await scene.operations.close();
  });

  it('and ended elsewhere is watched nowhere, and needs nobody’s lead', async () => {
    const scene = new Scene();
    await scene.start();
    await scene.clock.pass(60_000);
    const fresh = scene.coordinator('coordinator-3.cc');
    scene.other = OTHER;
    expect(await drained(fresh, operationId)).toBe(0);
    scene.other = undefined;
    await expect(fresh.resume(operationId, signal)).rejects.toMatchObject({
      code: 'OPERATION_ENDED',
      message: expect.stringContaining('as restored'),
    });
  });

  it('and waits for a person does so until the ledgers say that somebody went on', async () => {
    const scene = new Scene();
    for (let n = 0; n < 99; n += 1) {
      scene.agent('cp2').faults.push({ on: Step.STEP_SWAP, code: 'DISK_FULL' });
      scene.agent('cp3').faults.push({ on: Step.STEP_UNDO_STOP, code: 'STOP_UNPROVEN' });
    }
    await scene.start();
    await scene.clock.pass(120_000);
    expect((await scene.operations.find(operationId, signal))?.operation.outcome).toBe(
      Outcome.OUTCOME_NEEDS_OPERATOR,
    );
    for (const agent of scene.agents.values()) agent.state = LedgerState.OPERATION_STATE_CLOSED;
    expect((await scene.operations.find(operationId, signal))?.operation.outcome).toBe(
      Outcome.OUTCOME_RESTORED,
    );
    for (const agent of scene.agents.values()) agent.state = LedgerState.OPERATION_STATE_UNDONE;
    Object.assign(scene.agent('cp1'), { operationId: 'r-0', state: LedgerState.OPERATION_STATE_OPEN });
    await expect(scene.operations.resume(operationId, signal)).rejects.toMatchObject({
      code: 'OPERATION_ENDED',
      message: expect.stringContaining('No agent'),
    });
    expect(scene.operations.isBusy).toBe(false);
  });

  it('and runs already is not begun twice by a person', async () => {
    const scene = new Scene();
    await scene.start();
    const asked = scene.asked.length;
    expect(await scene.operations.resume(operationId, signal)).toMatchObject({ operationId });
    expect([scene.asked.length, scene.operations.begun]).toEqual([asked, 1]);
    await scene.operations.close();
  });

  it('and was left open by an earlier run is as the ledgers show it, and watched where it is run', async () => {
    const scene = new Scene();
    await scene.start();
    const { operation } = scene.operations.records.get(operationId) ?? {};
    if (operation === undefined) throw new Error('no operation');
    await scene.operations.close();
    scene.records = [{ ...scene.stored, operation, report: undefined, events: scene.announced }];
    const next = scene.coordinator('coordinator-1.bb');
    await next.load(signal);
    for (const agent of scene.agents.values())
      agent.promised = { number: 7n, coordinatorId: 'coordinator-2' };
    expect((await next.find(operationId, signal))?.operation.epoch?.number).toBe(7n);
    scene.other = OTHER;
    await expect(drained(next, operationId)).rejects.toMatchObject({ code: 'NOT_LEADER' });
  });

  it('and is resumed is answered as it is run here', async () => {
    const scene = new Scene();
    await scene.start();
    await scene.operations.close();
    const next = scene.coordinator('coordinator-2.bb');
    const { epoch } = await next.resume(operationId, signal);
    expect(epoch?.coordinatorId).toBe('coordinator-2.bb');
    await next.close();
  });

  it('and is resumed goes on where somebody took it up meanwhile', async () => {
    const scene = new Scene();
    await scene.start();
    await scene.operations.close();
    const next = scene.coordinator('coordinator-2.bb');
    const { promise, resolve } = Promise.withResolvers<void>();
    scene.held = promise;
    const resuming = next.resume(operationId, signal);
    scene.held = undefined;
    scene.during = () => new Promise(() => {});
    void next.takeOver(scene.stored.planBytes);
    await scene.clock.pass(100);
    expect(next.running?.state.stage.kind).toBe('forward');
    resolve();
    await resuming;
    expect([next.running?.state.stage.kind, next.begun]).toEqual(['forward', 1]);
    await next.close();
  });

  it('is undone for a person though somebody took it up meanwhile', async () => {
    const scene = new Scene();
    await scene.start();
    await scene.operations.close();
    const next = scene.coordinator('coordinator-2.bb');
    const aborting = next.abort(operationId, 'eve', 'enough', signal);
    void next.takeOver(scene.stored.planBytes);
    await aborting;
    expect(next.running?.state.abort?.message).toBe('asked for by eve: enough');
    expect(next.begun).toBe(1);
    await next.close();
  });

  it('is open or committed, and has a name', () => {
    const ledger = new ModelAgent('cp1', 'ledger-1').ledger();
    const { OPERATION_STATE_OPEN, OPERATION_STATE_COMMITTED, OPERATION_STATE_CLOSED } = LedgerState;
    expect(isUnended({ ...ledger, operationId: '', state: OPERATION_STATE_OPEN })).toBe(false);
    expect(isUnended({ ...ledger, operationId, state: OPERATION_STATE_OPEN })).toBe(true);
    expect(isUnended({ ...ledger, operationId, state: OPERATION_STATE_COMMITTED })).toBe(true);
    expect(isUnended({ ...ledger, operationId, state: OPERATION_STATE_CLOSED })).toBe(false);
  });

  it('and was refused is undone on a node that comes late for the same reason', async () => {
    const scene = new Scene();
    scene.agent('cp2').faults.push({ on: Step.STEP_REINSPECT, code: 'PLAN_DRIFTED' });
    await scene.start();
    await scene.clock.pass(60_000);
    Object.assign(scene.agent('cp3'), { state: LedgerState.OPERATION_STATE_OPEN, effects: [] });
    const taken = scene.operations.takeOver(scene.stored.planBytes);
    await scene.clock.pass(60_000);
    expect((await taken).stage).toMatchObject({ failure: { code: 'PLAN_DRIFTED' } });
  });
});
