import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  type ExecuteResponse,
  OperationState,
  Step,
  type StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { type NodePlan, PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { describe, expect, it } from 'vitest';
import type { RunnableStep } from '../core/operation.ts';
import { Executor } from './executor.ts';
import { HANDLERS } from './handlers.ts';
import type { StepHandler } from './step.ts';
import { ProgressSlot } from './step-stream.ts';
import { Bench, benchPlan, OPERATION, STATE_DIR } from './testing/bench.ts';
import { MemoryLedger } from './testing/memory-ledger.ts';

const signal = new AbortController().signal;
const epoch = (number: bigint, coordinatorId = 'c1') => ({ number, coordinatorId });
const CALLER = 'lockstep://lab/coordinator/c1';
const QUIET = { info: () => undefined, error: () => undefined, child: () => QUIET } as unknown as Logger;

/** An agent whose steps are the test's. */
class Agent {
  readonly bench = new Bench();
  readonly ledger = new MemoryLedger();
  readonly plan: Buffer;
  readonly executor: Executor;
  readonly #handlers: Record<number, StepHandler> = {};

  constructor(plan: RestorePlan = benchPlan()) {
    this.plan = Buffer.from(RestorePlan.encode(plan).finish());
    const handlers = new Proxy(HANDLERS, {
      get: (_all, step) => this.#handlers[Number(step)] ?? { perform: async () => ({}) },
    });
    this.executor = new Executor({
      node: 'cp1',
      cluster: 'lab',
      stateDir: STATE_DIR,
      ledger: this.ledger,
      ports: this.bench.ports,
      handlers,
      logger: QUIET,
    });
  }

  with(step: RunnableStep, handler: StepHandler): this {
    this.#handlers[step] = handler;
    return this;
  }

  promise(number = 1n, plan: Buffer | undefined = this.plan) {
    const request = {
      epoch: epoch(number),
      operationId: OPERATION,
      ledgerId: 'L',
      plan: plan ?? Buffer.alloc(0),
    };
    return this.executor.promise(request, CALLER);
  }

  commit(number = 1n) {
    return this.executor.commit(this.#command(number), CALLER);
  }

  async execute(step: number, number = 1n, timeoutMs = 0n): Promise<StepResult> {
    const request = { ...this.#command(number), step: step as Step, timeoutMs };
    let last: ExecuteResponse | undefined;
    for await (const each of this.executor.execute(request, CALLER, signal)) last = each;
    if (last?.event?.$case !== 'result') throw new Error('no result');
    return last.event.value;
  }

  /** Steps of the way forward up to this one, each of which does nothing. */
  async upTo(step: RunnableStep): Promise<this> {
    await this.promise();
    for (let each = Step.STEP_STAGE; each <= step; each += 1) await this.execute(each);
    return this;
  }

  #command(number: bigint) {
    return { epoch: epoch(number), operationId: OPERATION, planSha256: sha256Hex(this.plan) };
  }
}

/** A plan in which this node has the API server alone, and another has a member. */
function withoutMember(change: Partial<NodePlan> = {}): RestorePlan {
  const plan = benchPlan();
  const [first] = plan.nodes;
  if (first === undefined) throw new Error('no node');
  const manifests = first.manifests.filter(({ component }) => component === 'kube-apiserver');
  return {
    ...plan,
    nodes: [
      { ...first, node: 'cp2' },
      { ...first, etcd: undefined, manifests, ...change },
    ],
  };
}

const refusedAs = (code: string) => expect.objectContaining({ code }) as Error;

describe('a promise', () => {
  it('is recorded with its plan, once, and answered with the state', async () => {
    const agent = new Agent();
    expect(await agent.promise()).toEqual({
      promised: epoch(1n),
      state: OperationState.OPERATION_STATE_OPEN,
    });
    await agent.promise();
    await agent.promise(2n, undefined);
    expect(agent.ledger.written).toEqual(['promise 1, plan', 'promise 2']);
  });

  it('is not made of what could not be undone, nor of what cannot be read', async () => {
    const agent = new Agent();
    agent.bench.on['stores.realPath'] = () => {
      throw new Error('not allowed');
    };
    await expect(agent.promise()).rejects.toThrow('not allowed');
    await expect(agent.promise(1n, Buffer.from([0xff, 0xff]))).rejects.toThrow(refusedAs('PLAN_UNKNOWN'));
    expect(agent.ledger.written).toEqual([]);
    // Held already, it is not asked again whether it could be done.
    const held = new Agent();
    await held.promise();
    held.bench.on['stores.realPath'] = agent.bench.on['stores.realPath'];
    await held.promise(2n);
    expect(held.ledger.written).toHaveLength(2);
  });

  it('is not made of a member whose stores lie where nothing may be written', async () => {
    const agent = new Agent();
    agent.bench.on['stores.realPath'] = (path: string) => {
      if (path.startsWith('/var/lib/etcd')) throw new Error('not allowed');
      return path;
    };
    await expect(agent.promise()).rejects.toThrow('not allowed');
    expect(agent.ledger.written).toEqual([]);
  });

  it('is made of a control plane without a member, and not of a node with nothing at all', async () => {
    const agent = new Agent(withoutMember());
    await agent.promise();
    expect(agent.ledger.written).toEqual(['promise 1, plan']);
    const nothing = new Agent(withoutMember({ manifests: [] }));
    await expect(nothing.promise()).rejects.toThrow(refusedAs('PLAN_UNKNOWN'));
  });

  it.each([
    ['member', { etcd: undefined }, {}],
    ['snapshot', {}, { snapshot: undefined }],
  ])('is not made of a plan without a %s', async (_what, node, change) => {
    const plan = benchPlan();
    const [first] = plan.nodes;
    const agent = new Agent({
      ...plan,
      ...change,
      nodes: [{ ...(first as NonNullable<typeof first>), ...node }],
    });
    await expect(agent.promise()).rejects.toThrow(refusedAs('PLAN_UNKNOWN'));
    expect(agent.ledger.written).toEqual([]);
  });

  it('is refused in the fence’s words, and needs an epoch', async () => {
    const agent = new Agent();
    await agent.promise(5n);
    await expect(agent.promise(4n)).rejects.toThrow(refusedAs('EPOCH_STALE'));
    const request = { epoch: undefined, operationId: OPERATION, ledgerId: 'L', plan: agent.plan };
    await expect(agent.executor.promise(request, CALLER)).rejects.toThrow(refusedAs('EPOCH_STALE'));
    expect(agent.ledger.written).toEqual(['promise 5, plan']);
  });
});

describe('a step', () => {
  it('is intended before it is done, and completed after', async () => {
    const agent = new Agent();
    agent.with(Step.STEP_STAGE, {
      prepare: async () => {
        agent.ledger.written.push('prepared');
        return { before: 1 };
      },
      perform: async (_context, intent) => {
        agent.ledger.written.push(`done with ${JSON.stringify(intent)}`);
        return { result: { canaryRevision: 7n }, detail: { after: 2 } };
      },
    });
    await agent.upTo(Step.STEP_STAGE);
    expect(agent.ledger.written.slice(1)).toEqual([
      'prepared',
      `intent ${Step.STEP_STAGE}`,
      'done with {"before":1}',
      'completion 1',
    ]);
    expect(agent.ledger.operation(OPERATION)?.effects[0]).toMatchObject({
      intent: { before: 1 },
      completion: { after: 2 },
    });
  });

  it('that fails, in its result or out of it, is not completed', async () => {
    const failure = { code: 'PLAN_DRIFTED', node: 'cp1', message: 'm', cure: '', causes: [] };
    const agent = await new Agent()
      .with(Step.STEP_STAGE, { perform: async () => ({ result: { failure } }) })
      .upTo(Step.STEP_STAGE);
    expect(agent.ledger.written.slice(1)).toEqual([`intent ${Step.STEP_STAGE}`]);
    expect(agent.ledger.audits.at(-1)).toMatchObject({ command: 'Execute STEP_STAGE', outcome: 'failed' });
    agent.with(Step.STEP_STAGE, { perform: () => Promise.reject(new Error('broken')) });
    expect((await agent.execute(Step.STEP_STAGE)).failure).toMatchObject({ code: 'INTERNAL', node: 'cp1' });
    expect(agent.ledger.written.slice(1)).toHaveLength(2);
  });

  it('ends the operation in one record with its completion', async () => {
    const agent = await new Agent()
      .with(Step.STEP_UNDO_VERIFY, { ends: 'undone', perform: async () => ({}) })
      .upTo(Step.STEP_STAGE);
    for (const step of [Step.STEP_UNDO_STOP, Step.STEP_UNDO_START, Step.STEP_UNDO_VERIFY])
      await agent.execute(step);
    expect(agent.ledger.written.at(-1)).toBe('completion 4, undone');
    expect(agent.ledger.openOperation()).toBeUndefined();
  });

  it('is held against the fence, the order, and the kind of its plan', async () => {
    const agent = new Agent();
    await expect(agent.execute(Step.STEP_STAGE)).rejects.toThrow(refusedAs('PLAN_UNKNOWN'));
    await agent.promise();
    await expect(agent.execute(Step.STEP_STAGE, 2n)).rejects.toThrow(refusedAs('EPOCH_STALE'));
    await expect(agent.execute(Step.STEP_SWAP)).rejects.toThrow(refusedAs('STEP_OUT_OF_ORDER'));
    await expect(agent.execute(999)).rejects.toThrow(refusedAs('STEP_OUT_OF_ORDER'));
    const unnamed = {
      epoch: undefined,
      operationId: OPERATION,
      planSha256: '',
      step: Step.STEP_STAGE,
      timeoutMs: 0n,
    };
    await expect(agent.executor.execute(unnamed, CALLER, signal).next()).rejects.toThrow(
      refusedAs('EPOCH_STALE'),
    );
    const aside = new Agent(benchPlan({ kind: PlanKind.PLAN_KIND_SET_ASIDE }));
    await aside.promise();
    expect((await aside.execute(Step.STEP_STAGE)).failure?.code).toBe('STEP_OUT_OF_ORDER');
    expect([...agent.ledger.written, ...aside.ledger.written].join()).not.toContain('intent');
  });

  it('that there is not is refused before anything else is asked of it', async () => {
    const agent = await new Agent().upTo(Step.STEP_STAGE);
    await expect(agent.execute(0)).rejects.toThrow('There is no step 0.');
    await expect(agent.execute(99)).rejects.toThrow(refusedAs('STEP_OUT_OF_ORDER'));
  });

  it('whose time is over is answered from the ledger', async () => {
    const agent = await new Agent()
      .with(Step.STEP_STAGE, { perform: async () => ({ detail: { canaryRevision: '9' } }) })
      .upTo(Step.STEP_FENCE_API);
    const before = agent.ledger.written.length;
    expect((await agent.execute(Step.STEP_STAGE)).canaryRevision).toBe(9n);
    expect(agent.ledger.written).toHaveLength(before);
  });

  it('that was cut short by its deadline is late, one that broke in time is broken', async () => {
    const agent = await new Agent().upTo(Step.STEP_BUILD);
    agent.with(Step.STEP_SAFEGUARD, {
      perform: () => {
        agent.bench.nowMs += 5_000;
        return Promise.reject(new Error('cut short'));
      },
    });
    expect((await agent.execute(Step.STEP_SAFEGUARD, 1n, 4_000n)).failure?.code).toBe('STEP_TIMED_OUT');
    expect((await agent.execute(Step.STEP_SAFEGUARD, 1n, 6_000n)).failure?.code).toBe('INTERNAL');
    const own = { code: 'DISK_FULL', message: 'full' } as const;
    agent.with(Step.STEP_SAFEGUARD, {
      perform: () => {
        agent.bench.nowMs += 5_000;
        return Promise.reject(new LockstepError(own.code, { message: own.message }));
      },
    });
    expect((await agent.execute(Step.STEP_SAFEGUARD, 1n, 4_000n)).failure?.code).toBe('DISK_FULL');
  });
});

describe('a step that is given up', () => {
  it.each([
    ['by its caller', new Error('given up')],
    ['by a caller that says nothing', new DOMException('aborted', 'AbortError')],
  ])('%s is not late', async (_who, reason) => {
    const agent = await new Agent().upTo(Step.STEP_STAGE);
    const controller = new AbortController();
    agent.with(Step.STEP_BUILD, {
      perform: () => {
        controller.abort(reason);
        return Promise.reject(new Error('cut short'));
      },
    });
    const request = {
      epoch: epoch(1n),
      operationId: OPERATION,
      planSha256: sha256Hex(agent.plan),
      step: Step.STEP_BUILD,
      timeoutMs: 0n,
    };
    const results: unknown[] = [];
    for await (const { event } of agent.executor.execute(request, CALLER, controller.signal))
      results.push(event?.value);
    expect(results).toMatchObject([{ failure: { code: 'INTERNAL' } }]);
  });
});

describe('one effect at a time', () => {
  /** A step that is at work until it is told to end. */
  async function busy(): Promise<{ agent: Agent; end: () => Promise<StepResult> }> {
    let end: () => void = () => undefined;
    const agent = await new Agent().upTo(Step.STEP_STAGE);
    const begun = Promise.withResolvers<void>();
    agent.with(Step.STEP_BUILD, {
      perform: () => {
        begun.resolve();
        return new Promise((resolve) => {
          end = () => resolve({});
        });
      },
    });
    const running = agent.execute(Step.STEP_BUILD);
    await begun.promise;
    // Nobody's patience lasts on this bench.
    Object.assign(agent.bench.ports.clock, {
      after: (_ms: number, call: () => void) => {
        queueMicrotask(call);
        return { [Symbol.dispose]: () => undefined };
      },
    });
    return {
      agent,
      end: () => {
        end();
        return running;
      },
    };
  }

  it('bars a promise, a step, a commit and a person’s undo, and records nothing of theirs', async () => {
    const { agent, end } = await busy();
    const before = [...agent.ledger.written];
    await expect(agent.promise(2n)).rejects.toThrow(refusedAs('EFFECT_IN_FLIGHT'));
    await expect(agent.execute(Step.STEP_STAGE)).rejects.toThrow(refusedAs('EFFECT_IN_FLIGHT'));
    await expect(agent.commit()).rejects.toThrow(refusedAs('EFFECT_IN_FLIGHT'));
    const progress = new ProgressSlot(agent.bench.ports.clock);
    const undo = agent.executor.undoLocally(Step.STEP_UNDO_STOP, 'local:root', progress, signal);
    await expect(undo).rejects.toThrow(refusedAs('EFFECT_IN_FLIGHT'));
    expect(agent.ledger.written).toEqual(before);
    await end();
    await agent.promise(2n);
    expect(agent.ledger.written.at(-1)).toBe('promise 2');
  });

  it('bars what is done beside every step, which bars them in turn', async () => {
    const { agent, end } = await busy();
    let done = 0;
    const beside = (): Promise<number> => agent.executor.besideSteps(async () => (done += 1));
    await expect(beside()).rejects.toThrow(refusedAs('EFFECT_IN_FLIGHT'));
    expect(done).toBe(0);
    await end();
    expect(await beside()).toBe(1);
    await agent.executor.besideSteps(async () => {
      await expect(agent.promise(2n)).rejects.toThrow(refusedAs('EFFECT_IN_FLIGHT'));
    });
  });

  it('is waited for by who stops the agent', async () => {
    const { agent, end } = await busy();
    Object.assign(agent.bench.ports.clock, { after: () => ({ [Symbol.dispose]: () => undefined }) });
    let idle = false;
    const waiting = agent.executor.idle(1_000).then(() => {
      idle = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(idle).toBe(false);
    await end();
    await waiting;
    await agent.executor.idle(0);
    expect(idle).toBe(true);
  });
});

describe('a commit', () => {
  it('is recorded once, and bars every undo', async () => {
    const agent = await new Agent().upTo(Step.STEP_START_ETCD);
    expect(await agent.commit()).toEqual({ state: OperationState.OPERATION_STATE_COMMITTED });
    expect(await agent.commit()).toEqual({ state: OperationState.OPERATION_STATE_COMMITTED });
    expect(agent.ledger.written.filter((each) => each === 'commit')).toHaveLength(1);
    await expect(agent.execute(Step.STEP_UNDO_STOP)).rejects.toThrow(refusedAs('ALREADY_COMMITTED'));
  });

  it('is refused before NEW was started, under another epoch, and without one', async () => {
    const agent = await new Agent().upTo(Step.STEP_SWAP);
    await expect(agent.commit()).rejects.toThrow(refusedAs('STEP_OUT_OF_ORDER'));
    await expect(agent.commit(2n)).rejects.toThrow(refusedAs('EPOCH_STALE'));
    const unnamed = { epoch: undefined, operationId: OPERATION, planSha256: '' };
    await expect(agent.executor.commit(unnamed, CALLER)).rejects.toThrow(refusedAs('EPOCH_STALE'));
    expect(agent.ledger.written).not.toContain('commit');
  });
});

describe('a person’s undo', () => {
  const undo = (agent: Agent, step: RunnableStep): Promise<StepResult> =>
    agent.executor.undoLocally(step, 'local:root', new ProgressSlot(agent.bench.ports.clock), signal);

  it('needs nobody’s word, is done like any step, and ends in the ledger', async () => {
    const agent = await new Agent()
      .with(Step.STEP_UNDO_VERIFY, { ends: 'undone', perform: async () => ({}) })
      .upTo(Step.STEP_STAGE);
    await undo(agent, Step.STEP_UNDO_STOP);
    await undo(agent, Step.STEP_UNDO_START);
    await undo(agent, Step.STEP_UNDO_VERIFY);
    expect(agent.ledger.written.slice(-2)).toEqual([
      `intent ${Step.STEP_UNDO_VERIFY}`,
      'completion 4, undone',
    ]);
    const before = agent.ledger.written.length;
    await undo(agent, Step.STEP_UNDO_VERIFY);
    expect(agent.ledger.written).toHaveLength(before);
  });

  it('is refused out of order, after a commit, and where there is nothing', async () => {
    await expect(undo(new Agent(), Step.STEP_UNDO_STOP)).rejects.toThrow(refusedAs('OPERATION_NOT_FOUND'));
    const agent = await new Agent().upTo(Step.STEP_START_ETCD);
    await expect(undo(agent, Step.STEP_UNDO_START)).rejects.toThrow(refusedAs('STEP_OUT_OF_ORDER'));
    await agent.commit();
    await expect(undo(agent, Step.STEP_UNDO_STOP)).rejects.toThrow(refusedAs('ALREADY_COMMITTED'));
  });
});

it('every command leaves a line in the audit, with how it ended', async () => {
  const agent = await new Agent().upTo(Step.STEP_STAGE);
  await agent.promise(1n, Buffer.from([0xff])).catch(() => undefined);
  await agent.commit().catch(() => undefined);
  expect(agent.ledger.audits.map(({ command, outcome }) => `${command}: ${outcome}`)).toEqual([
    'Promise: done',
    'Execute STEP_STAGE: done',
    'Promise: PLAN_UNKNOWN',
    'Commit: STEP_OUT_OF_ORDER',
  ]);
  expect(agent.ledger.audits[0]).toMatchObject({ caller: CALLER, operationId: OPERATION, epoch: epoch(1n) });
});

describe('whether there is a member here', () => {
  it('is said by the open operation, for this node; where none is open there may be one', async () => {
    const agent = new Agent(withoutMember());
    expect(agent.executor.hasMember()).toBe(true);
    await agent.promise();
    expect(agent.executor.hasMember()).toBe(false);
    const member = new Agent();
    await member.promise();
    expect(member.executor.hasMember()).toBe(true);
  });
});

describe('the components in place', () => {
  it('are those of the open operation’s part of this node, and none where nothing is open', async () => {
    const plan = benchPlan();
    const [first] = plan.nodes;
    const other = { ...(first as NonNullable<typeof first>), node: 'cp2', staticPodPath: '/another' };
    const agent = new Agent({ ...plan, nodes: [other, ...plan.nodes] });
    agent.bench.on['hosting.manifestsInPlace'] = ({ staticPodPath }: { staticPodPath: string }) =>
      staticPodPath === first?.staticPodPath ? ['etcd'] : ['kube-scheduler'];
    expect(await agent.executor.componentsInPlace(signal)).toEqual([]);
    await agent.promise();
    expect(await agent.executor.componentsInPlace(signal)).toEqual(['etcd']);
  });
});
