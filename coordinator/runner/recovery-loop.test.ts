import { OperationState, ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OperationState as State, takenOverOperation } from '../core/state.ts';
import { modelPlan } from '../core/testing/driver.ts';
import type { Operations } from './operations.ts';
import type { AgentClient, Leadership } from './ports.ts';
import { RecoveryLoop } from './recovery-loop.ts';
import { ManualClock } from './testing/manual-clock.ts';

const AGENTS = ['cp1', 'cp2'].map((node) => ({ node, address: `${node}:7443` }));
/** Long enough for every ledger to be read again. */
const RESCAN_MS = 15_000;
const SUPERSEDED = { kind: 'superseded' } as const;

/** A loop over two agents, with what it meets in the hands of the test. */
class Scene implements Leadership {
  leads = true;
  elected = true;
  silent = false;
  readonly other = undefined;
  readonly clock = new ManualClock();
  readonly ledgers = new Map<string, ReadLedgerResponse | 'silent' | 'gone'>();
  readonly reached: boolean[] = [];
  /** Operations that wait for a person, by the highest promise on record. */
  readonly waiting = new Map<string, bigint>();
  readonly known = new Set<string>();
  readonly takeOver = vi.fn(async (): Promise<State> => {
    this.begun += 1;
    const epoch = { number: 1n, coordinatorId: 'c1' };
    return { ...takenOverOperation(modelPlan(), epoch, 0), stage: this.last };
  });
  last: State['stage'] = SUPERSEDED;
  begun = 0;
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();

  constructor() {
    for (const { node } of AGENTS) this.ledgers.set(node, ReadLedgerResponse.create());
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  reaches(anyAgent: boolean): void {
    this.reached.push(anyAgent);
  }

  lead(leading: boolean): void {
    this.leads = leading;
    this.tell();
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  open(node: string, operationId = 'r-1', number = 0n, coordinatorId = 'c1'): void {
    const state = OperationState.OPERATION_STATE_OPEN;
    const promised = { number, coordinatorId };
    this.ledgers.set(node, ReadLedgerResponse.fromPartial({ node, operationId, state, promised }));
  }

  run(): void {
    const begun = (): number => this.begun;
    const operations = {
      isBusy: false,
      get begun() {
        return begun();
      },
      takeOver: this.takeOver,
      isCommandedHere: ({ promised }: ReadLedgerResponse) => promised?.coordinatorId === 'c1',
      records: {
        knows: (id: string) => this.known.has(id),
        knowsEnd: () => true,
        leftOpen: () => undefined,
        waitsForPerson: (id: string, promised?: Epoch) =>
          (promised?.number ?? 0n) <= (this.waiting.get(id) ?? -1n),
      },
    } as unknown as Operations;
    const client = (address: (typeof AGENTS)[number]): AgentClient =>
      ({
        ...address,
        readLedger: (_id: string, signal: AbortSignal) => this.#read(address.node, signal),
      }) as unknown as AgentClient;
    const loop = new RecoveryLoop({
      agents: { known: () => AGENTS, client },
      operations,
      leadership: this,
      settingAside: { look: async () => true, resume: async () => {} },
      clock: this.clock,
      logger: createLogger('test', 'silent'),
    });
    void loop.run(this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #read(node: string, signal: AbortSignal): Promise<ReadLedgerResponse> {
    const ledger = this.ledgers.get(node);
    if (typeof ledger === 'object') return ledger;
    if (ledger === 'gone') throw new Error('refused');
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => scene.stop());

describe('who leads', () => {
  it('takes over what is open at the start', async () => {
    scene.open('cp1');
    scene.run();
    await scene.clock.pass(1);
    expect(scene.takeOver).toHaveBeenCalledTimes(1);
  });

  it('does not wait for an agent that does not answer', async () => {
    scene.ledgers.set('cp1', 'silent');
    scene.open('cp2');
    scene.run();
    await scene.clock.pass(1);
    expect(scene.takeOver).toHaveBeenCalledTimes(1);
  });

  it('takes over what is opened later, such as by a promise that was long under way', async () => {
    scene.run();
    await scene.clock.pass(1_000);
    scene.open('cp1');
    await scene.clock.pass(RESCAN_MS);
    expect(scene.takeOver).toHaveBeenCalled();
  });

  it('leaves alone what waits for a person, whoever ended it so', async () => {
    scene.open('cp1');
    scene.waiting.set('r-1', 0n);
    scene.run();
    await scene.clock.pass(4 * RESCAN_MS);
    expect(scene.takeOver).not.toHaveBeenCalled();
  });

  it('goes on with what waited for a person once a ledger has promised more', async () => {
    scene.open('cp1');
    scene.waiting.set('r-1', 3n);
    scene.run();
    await scene.clock.pass(1);
    expect(scene.takeOver).not.toHaveBeenCalled();
    scene.open('cp1', 'r-1', 4n);
    await scene.clock.pass(RESCAN_MS);
    expect(scene.takeOver).toHaveBeenCalled();
  });

  it('reaches agents still where only one that is away was asked', async () => {
    scene.ledgers.set('cp1', 'gone');
    scene.run();
    await scene.clock.pass(RESCAN_MS);
    expect(scene.reached).not.toContain(false);
    scene.ledgers.set('cp2', 'gone');
    await scene.clock.pass(RESCAN_MS);
    expect(scene.reached).toContain(false);
  });

  it('stands back from an operation that another coordinator took from it', async () => {
    scene.open('cp1');
    scene.run();
    await scene.clock.pass(25_000);
    expect(scene.takeOver).toHaveBeenCalledTimes(1);
  });

  it('takes the same operation no more than so often', async () => {
    scene.open('cp1');
    scene.run();
    await scene.clock.pass(60 * 60_000);
    expect(scene.takeOver).toHaveBeenCalledTimes(5);
  });

  it('says that it reaches no agent, and that it reaches one', async () => {
    for (const { node } of AGENTS) scene.ledgers.set(node, 'gone');
    scene.run();
    await scene.clock.pass(4_000);
    expect(new Set(scene.reached)).toStrictEqual(new Set([false]));
    scene.ledgers.set('cp2', ReadLedgerResponse.create());
    await scene.clock.pass(10_000);
    expect(scene.reached).toContain(true);
  });
});

describe('who stands by', () => {
  beforeEach(() => {
    scene.leads = false;
  });

  it('takes over nothing', async () => {
    scene.open('cp1');
    scene.run();
    await scene.clock.pass(4 * RESCAN_MS);
    expect(scene.takeOver).not.toHaveBeenCalled();
  });

  it('takes over at once when it begins to lead', async () => {
    scene.run();
    await scene.clock.pass(RESCAN_MS + 100);
    scene.open('cp2');
    scene.lead(true);
    await scene.clock.pass(1);
    expect(scene.takeOver).toHaveBeenCalledTimes(1);
  });

  it('was superseded and takes over at once when who did it is gone', async () => {
    scene.leads = true;
    scene.open('cp1');
    scene.run();
    await scene.clock.pass(100);
    scene.lead(false);
    await scene.clock.pass(1_000);
    scene.lead(true);
    await scene.clock.pass(1);
    expect(scene.takeOver).toHaveBeenCalledTimes(2);
  });
});

describe('where nothing is heard of who leads', () => {
  beforeEach(() => {
    scene.leads = false;
  });

  it('a restart goes on with what this coordinator itself had left open', async () => {
    scene.open('cp1');
    scene.run();
    await scene.clock.pass(5_000);
    expect(scene.takeOver).not.toHaveBeenCalled();
    scene.silent = true;
    scene.tell();
    await scene.clock.pass(RESCAN_MS);
    expect(scene.takeOver).toHaveBeenCalledTimes(1);
  });

  it('what another coordinator commanded is left to a person', async () => {
    scene.silent = true;
    scene.open('cp1', 'r-1', 1n, 'c2');
    scene.run();
    await scene.clock.pass(4 * RESCAN_MS);
    expect(scene.takeOver).not.toHaveBeenCalled();
  });
});

describe('where nobody is elected', () => {
  beforeEach(() => {
    scene.elected = false;
  });

  it('takes over what was open at the first look', async () => {
    scene.open('cp1');
    scene.run();
    await scene.clock.pass(1);
    expect(scene.takeOver).toHaveBeenCalledTimes(1);
  });

  it('leaves alone what another began since, and takes up its own', async () => {
    scene.run();
    await scene.clock.pass(1_000);
    scene.open('cp1');
    await scene.clock.pass(4 * RESCAN_MS);
    expect(scene.takeOver).not.toHaveBeenCalled();
    scene.known.add('r-1');
    await scene.clock.pass(RESCAN_MS);
    expect(scene.takeOver).toHaveBeenCalled();
  });
});
