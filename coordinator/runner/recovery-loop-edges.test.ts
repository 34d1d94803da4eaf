import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperationState, ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OperationState as State, takenOverOperation } from '../core/state.ts';
import { modelPlan } from '../core/testing/driver.ts';
import type { Operations } from './operations.ts';
import type { AgentAddress, AgentClient, Leadership } from './ports.ts';
import { RecoveryLoop } from './recovery-loop.ts';
import { ManualClock } from './testing/manual-clock.ts';

const { OPERATION_STATE_OPEN: OPEN, OPERATION_STATE_CLOSED: CLOSED } = OperationState;
const encoded = (plan: RestorePlan): Buffer => Buffer.from(RestorePlan.encode(plan).finish());
const restoreOf = (...names: string[]): Buffer =>
  encoded(RestorePlan.fromPartial({ operationId: 'r-1', nodes: names.map((node) => ({ node })) }));
const RESTORE = restoreOf('cp1', 'cp2');
const ASIDE = encoded(RestorePlan.fromPartial({ kind: PlanKind.PLAN_KIND_SET_ASIDE }));

type Answer = ReadLedgerResponse | 'silent' | 'gone' | 'angry';

/** A loop in which everything it asks and does can be seen, and changed while it runs. */
class Scene implements Leadership {
  leads = true;
  elected = true;
  silent = false;
  readonly other = undefined;
  readonly clock = new ManualClock();
  agents: AgentAddress[] = ['cp1', 'cp2'].map((node) => ({ node, address: `${node}:7443` }));
  readonly answers = new Map<string, Answer>();
  readonly reads: string[] = [];
  /** What is in the way of an answer, for as long as it is there. */
  held: Promise<void> | undefined;
  readonly reached: boolean[] = [];
  readonly ends = new Set<string>();
  /** On record here, with no end. */
  left: { operationId: string; planBytes: Uint8Array } | undefined;
  waits = false;
  ours = true;
  busy = false;
  running: { ended: Promise<State> } | undefined;
  begun = 0;
  /** How a takeover ends. */
  ending: () => Promise<State> = async () => ended();
  readonly took: string[] = [];
  readonly look = vi.fn(async () => true);
  readonly resume = vi.fn(async () => {});
  looked = false;
  over = false;
  readonly errors: unknown[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  reaches(anyAgent: boolean): void {
    this.reached.push(anyAgent);
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  set(node: string, state: OperationState, plan: Buffer = RESTORE, operationId = 'r-1'): void {
    const promised = { number: 1n, coordinatorId: 'c1' };
    this.answers.set(node, ReadLedgerResponse.fromPartial({ node, operationId, state, promised, plan }));
  }

  run(): void {
    const logger = createLogger('test', 'silent');
    logger.error = (fields: unknown) => this.errors.push(fields);
    const client = (address: AgentAddress): AgentClient =>
      ({
        ...address,
        readLedger: (_id: string, signal: AbortSignal) => this.#read(address.node, signal),
      }) as unknown as AgentClient;
    const loop = new RecoveryLoop({
      agents: { known: () => this.agents, client },
      operations: this.#operations(),
      leadership: this,
      settingAside: { look: this.look, resume: this.resume },
      clock: this.clock,
      logger,
    });
    void loop.lookedFirst.then(() => (this.looked = true));
    void loop.run(this.#stop.signal).then(() => (this.over = true));
  }

  stop(): void {
    this.#stop.abort();
  }

  #operations(): Operations {
    const operations = {
      takeOver: (plan: Uint8Array): Promise<State> => {
        this.took.push(RestorePlan.decode(plan).operationId);
        return this.ending();
      },
      isCommandedHere: () => this.ours,
      records: {
        knows: () => true,
        knowsEnd: (id: string) => this.ends.has(id),
        leftOpen: () => this.left,
        waitsForPerson: () => this.waits,
      },
    };
    Object.defineProperties(operations, {
      isBusy: { get: () => this.busy },
      running: { get: () => this.running },
      begun: { get: () => this.begun },
    });
    return operations as unknown as Operations;
  }

  async #read(node: string, signal: AbortSignal): Promise<ReadLedgerResponse> {
    this.reads.push(node);
    await this.held;
    const answer = this.answers.get(node) ?? ReadLedgerResponse.create();
    if (answer === 'gone') throw new LockstepError('UNREACHABLE', { message: 'refused' });
    if (answer === 'angry') throw new LockstepError('INTERNAL', { message: 'it says no' });
    if (answer !== 'silent') return answer;
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () =>
        reject(new LockstepError('UNREACHABLE', { message: 'no answer' })),
      );
    });
  }
}

const ended = (kind?: 'superseded'): State => {
  const state = takenOverOperation(modelPlan(), { number: 1n, coordinatorId: 'c1' }, 0);
  return kind === undefined ? state : { ...state, stage: { kind } };
};

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => scene.stop());

describe('a look', () => {
  it('reads each ledger once, and all again every ten seconds', async () => {
    scene.run();
    await scene.clock.pass(9_900);
    expect(scene.reads).toEqual(['cp1', 'cp2']);
    await scene.clock.pass(200);
    expect(scene.reads).toEqual(['cp1', 'cp2', 'cp1', 'cp2']);
  });

  it('reads all again where an operation came and went between two', async () => {
    scene.run();
    await scene.clock.pass(1_000);
    scene.begun += 1;
    await scene.clock.pass(1_100);
    expect(scene.reads).toEqual(['cp1', 'cp2', 'cp1', 'cp2']);
  });

  it('asks again only who did not answer, less and less often', async () => {
    scene.answers.set('cp1', 'gone');
    scene.run();
    await scene.clock.pass(600);
    expect(scene.reads).toEqual(['cp1', 'cp2', 'cp1']);
    await scene.clock.pass(8_000);
    expect(scene.reads.length).toBeLessThan(8);
  });

  it('asks again who could not be looked at to its end, and not who could', async () => {
    scene.look.mockImplementationOnce(async () => false);
    scene.run();
    await scene.clock.pass(5_000);
    expect(scene.reads).toEqual(['cp1', 'cp2', 'cp1']);
  });

  it('is over at the signal, and says nothing of it', async () => {
    scene.answers.set('cp1', 'silent');
    scene.run();
    await scene.clock.pass(1);
    scene.stop();
    await scene.clock.pass(1);
    expect(scene.over).toBe(true);
    expect(scene.errors).toEqual([]);
    const { length } = scene.reads;
    await scene.clock.pass(60_000);
    expect(scene.reads).toHaveLength(length);
  });

  it.each<[string, () => Promise<State>]>([
    ['does not end', () => new Promise(() => {})],
    ['fails', () => Promise.reject(new Error('it is closed'))],
    [
      'is refused',
      () => {
        throw new Error('it is closed');
      },
    ],
  ])('is over at the signal, though what it takes over right then %s', async (_how, ending) => {
    scene.set('cp1', OPEN);
    scene.ending = ending;
    const held = Promise.withResolvers<void>();
    scene.held = held.promise;
    scene.run();
    await scene.clock.pass(1);
    scene.stop();
    held.resolve();
    await scene.clock.pass(1);
    expect([scene.took, scene.over, scene.errors]).toEqual([['r-1'], true, []]);
  });

  it('that fails is told and done again', async () => {
    scene.agents = undefined as never;
    scene.run();
    await scene.clock.pass(1);
    expect(scene.errors).toHaveLength(1);
    scene.agents = [{ node: 'cp1', address: 'cp1:7443' }];
    await scene.clock.pass(1_000);
    expect(scene.reads).toEqual(['cp1']);
  });

  it('says nothing of agents where none is known, and the first look waits for its time', async () => {
    scene.agents = [];
    scene.run();
    await scene.clock.pass(4_900);
    expect(scene.reached).toEqual([]);
    expect(scene.looked).toBe(false);
    await scene.clock.pass(200);
    expect(scene.looked).toBe(true);
  });

  it('is the first one when every ledger has been read, by who stands by too', async () => {
    scene.leads = false;
    scene.run();
    await scene.clock.pass(1);
    expect(scene.looked).toBe(true);
    expect(scene.took).toEqual([]);
  });

  it('says what was read before an operation began nothing of', async () => {
    for (const begin of [() => (scene.begun += 1), () => (scene.busy = true)]) {
      scene.stop();
      scene = new Scene();
      scene.set('cp1', OPEN);
      const held = Promise.withResolvers<void>();
      scene.held = held.promise;
      scene.run();
      await scene.clock.pass(1);
      begin();
      held.resolve();
      await scene.clock.pass(1);
      expect(scene.took).toEqual([]);
      expect(scene.reached).toEqual([true, true]);
    }
  });
});

describe('while an operation runs here', () => {
  it('nothing is read until it has ended, and then everything', async () => {
    scene.run();
    await scene.clock.pass(1_000);
    scene.elected = false;
    const run = Promise.withResolvers<State>();
    scene.busy = true;
    scene.running = { ended: run.promise };
    await scene.clock.pass(60_000);
    expect(scene.reads).toHaveLength(2);
    scene.busy = false;
    run.resolve(ended());
    await scene.clock.pass(1_000);
    expect(scene.reads).toHaveLength(4);
  });

  it('the agents are asked again a little later where what makes it busy is no operation', async () => {
    scene.busy = true;
    scene.run();
    await scene.clock.pass(1_000);
    expect(scene.reads).toEqual([]);
    scene.busy = false;
    await scene.clock.pass(2_000);
    expect(scene.reads).toEqual(['cp1', 'cp2']);
    expect(scene.errors).toEqual([]);
  });

  it('stands back from what another took, and only from that', async () => {
    for (const [kind, reads] of [
      ['superseded', 0],
      [undefined, 2],
    ] as const) {
      scene.stop();
      scene = new Scene();
      scene.elected = false;
      const run = Promise.withResolvers<State>();
      scene.busy = true;
      scene.running = { ended: run.promise };
      scene.run();
      await scene.clock.pass(1);
      scene.busy = false;
      run.resolve(ended(kind));
      await scene.clock.pass(20_000);
      expect(Math.min(scene.reads.length, 2)).toBe(reads);
    }
  });

  describe('who was elected', () => {
    const run = Promise.withResolvers<State>();
    beforeEach(async () => {
      scene.busy = true;
      scene.running = { ended: run.promise };
    });

    it('sees every second whether the first answers', async () => {
      scene.run();
      await scene.clock.pass(3_100);
      expect(scene.reached).toEqual([true, true, true]);
      expect(scene.reads).toEqual(['cp1', 'cp1', 'cp1']);
    });

    it('asks the others where it does not, and where it is slow', async () => {
      scene.answers.set('cp1', 'gone');
      scene.run();
      await scene.clock.pass(1_100);
      expect([scene.reached, scene.reads]).toEqual([[true], ['cp1', 'cp2']]);
      scene.answers.set('cp1', 'silent');
      await scene.clock.pass(3_000);
      expect(scene.reached).toEqual([true, true]);
    });

    it('reaches an agent that answers with a failure, and none where all are gone', async () => {
      scene.answers.set('cp1', 'angry');
      scene.run();
      await scene.clock.pass(1_100);
      expect(scene.reached).toEqual([true]);
      for (const { node } of scene.agents) scene.answers.set(node, 'gone');
      await scene.clock.pass(1_000);
      expect(scene.reached).toEqual([true, false]);
    });

    it('says nothing where no agent is known, and goes on', async () => {
      const { agents } = scene;
      scene.agents = [];
      scene.run();
      await scene.clock.pass(2_100);
      expect(scene.reached).toEqual([]);
      scene.agents = agents;
      await scene.clock.pass(1_000);
      expect(scene.reached).toEqual([true]);
    });

    it('says nothing more once it was told to stop', async () => {
      scene.answers.set('cp1', 'silent');
      scene.answers.set('cp2', 'silent');
      scene.run();
      await scene.clock.pass(1_300);
      scene.stop();
      await scene.clock.pass(10_000);
      expect(scene.reached).toEqual([]);
      expect(scene.over).toBe(true);
    });
  });

  it('who was not elected does not watch', async () => {
    scene.elected = false;
    scene.busy = true;
    scene.running = { ended: new Promise(() => {}) };
    scene.run();
    await scene.clock.pass(5_000);
    expect(scene.reached).toEqual([]);
  });

  it('what it told to stop ends, whether or not the operation does', async () => {
    scene.stop();
    scene.run();
    await scene.clock.pass(1);
    expect(scene.over).toBe(true);
  });
});

describe('the past', () => {
  const past = async (change: () => unknown): Promise<readonly string[]> => {
    scene.stop();
    scene = new Scene();
    scene.set('cp2', CLOSED);
    change();
    scene.run();
    await scene.clock.pass(30_000);
    return scene.took;
  };

  it('is put on record once where the journal does not know the end', async () => {
    expect(await past(() => {})).toEqual(['r-1']);
  });

  it('is left alone where there is none, where its end is known, and by who does not lead', async () => {
    expect(await past(() => scene.ends.add('r-1'))).toEqual([]);
    expect(await past(() => scene.set('cp2', CLOSED, RESTORE, ''))).toEqual([]);
    expect(await past(() => scene.set('cp2', CLOSED, Buffer.alloc(0)))).toEqual([]);
    expect(await past(() => scene.set('cp2', CLOSED, ASIDE))).toEqual([]);
    expect(await past(() => (scene.leads = false))).toEqual([]);
    expect(await past(() => scene.answers.set('cp1', 'gone'))).toEqual([]);
  });

  it('is put on record although one that was left out never answers again', async () => {
    const without = (): void => {
      scene.answers.set('cp1', 'gone');
      scene.set('cp2', CLOSED, restoreOf('cp2'));
    };
    expect(await past(without)).toEqual(['r-1']);
  });

  it('waits while something is open, and while something else runs', async () => {
    expect(
      await past(() => {
        scene.waits = true;
        scene.set('cp2', OPEN);
      }),
    ).toEqual([]);
    // It begins while the last of them is looked at, once all have been read.
    let looks = 0;
    expect(
      await past(() =>
        scene.look.mockImplementation(async () => {
          looks += 1;
          scene.busy = looks >= scene.agents.length;
          return true;
        }),
      ),
    ).toEqual([]);
    expect(looks).toBe(2);
  });
});

describe('what no agent took', () => {
  const left = async (change: () => unknown = () => {}): Promise<readonly string[]> => {
    scene.stop();
    scene = new Scene();
    const { operationId } = RestorePlan.decode(RESTORE);
    scene.left = { operationId, planBytes: RESTORE };
    change();
    scene.run();
    await scene.clock.pass(30_000);
    return scene.took;
  };

  it('is taken up once, to be ended', async () => {
    expect(await left()).toEqual([RestorePlan.decode(RESTORE).operationId]);
  });

  it('is left alone by who does not lead, until every ledger was read, and where one holds it', async () => {
    const { operationId } = RestorePlan.decode(RESTORE);
    expect(await left(() => (scene.leads = false))).toEqual([]);
    expect(await left(() => scene.answers.set('cp1', 'gone'))).toEqual([]);
    const held = left(() => {
      scene.waits = true;
      scene.set('cp2', OPEN, RESTORE, operationId);
    });
    expect(await held).toEqual([]);
  });

  it('is ended although one that was left out never answers again', async () => {
    const took = await left(() => {
      scene.answers.set('cp1', 'gone');
      scene.left = { operationId: 'r-1', planBytes: restoreOf('cp2') };
    });
    expect(took).toEqual(['r-1']);
  });

  it('waits while something else runs', async () => {
    let looks = 0;
    const took = left(() =>
      scene.look.mockImplementation(async () => {
        looks += 1;
        scene.busy = looks >= scene.agents.length;
        return true;
      }),
    );
    expect(await took).toEqual([]);
    expect(looks).toBe(2);
  });
});

describe('what is open and sets a node aside', () => {
  it('is gone on with by its own kind, and taken over by nobody', async () => {
    scene.set('cp1', OPEN, ASIDE);
    scene.run();
    await scene.clock.pass(1);
    expect(scene.resume).toHaveBeenCalledTimes(1);
    expect([scene.took, scene.look.mock.calls.length]).toEqual([[], 1]);
  });

  it('is looked at, and not gone on with, once it has ended', async () => {
    scene.set('cp1', CLOSED, ASIDE);
    scene.run();
    await scene.clock.pass(1);
    expect(scene.resume).not.toHaveBeenCalled();
    expect(scene.look).toHaveBeenCalledTimes(2);
  });
});

describe('who is left to itself', () => {
  beforeEach(() => {
    scene.leads = false;
    scene.silent = true;
  });

  it('goes on with its own at once when it is told', async () => {
    scene.silent = false;
    scene.set('cp1', OPEN);
    scene.run();
    await scene.clock.pass(1_000);
    expect(scene.took).toEqual([]);
    scene.silent = true;
    scene.tell();
    await scene.clock.pass(1);
    expect(scene.took).toEqual(['r-1']);
  });

  it('leaves alone what has ended, what sets aside, and what waits for a person', async () => {
    for (const change of [
      () => scene.set('cp1', CLOSED),
      () => scene.set('cp1', OPEN, ASIDE),
      () => {
        scene.set('cp1', OPEN);
        scene.waits = true;
      },
      () => {
        scene.set('cp1', OPEN);
        scene.ours = false;
      },
    ]) {
      scene.stop();
      scene = new Scene();
      Object.assign(scene, { leads: false, silent: true });
      change();
      scene.run();
      await scene.clock.pass(1);
      expect(scene.took).toEqual([]);
    }
  });
});

describe('a change of the lead', () => {
  it('to another is no reason to look again', async () => {
    scene.run();
    await scene.clock.pass(1_000);
    scene.leads = false;
    scene.tell();
    await scene.clock.pass(100);
    expect(scene.reads).toHaveLength(2);
    scene.leads = true;
    scene.tell();
    await scene.clock.pass(100);
    expect(scene.reads).toHaveLength(4);
  });
});
