import { observeMember } from '@lockstep/agent/api/observe-member.ts';
import { readLedger } from '@lockstep/agent/api/read-ledger.ts';
import { STEP_NAMES } from '@lockstep/agent/core/operation.ts';
import type { AgentAddress, AgentClient, Agents } from '@lockstep/coordinator/runner/ports.ts';
import { asLockstepError, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  CommitRequest,
  CommitResponse,
  ExecuteRequest,
  ObserveMemberResponse,
  PromiseRequest,
  PromiseResponse,
  ReadLedgerResponse,
  StepProgress,
  StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { KEEPALIVE_TIME_MS, KEEPALIVE_TIMEOUT_MS } from '@lockstep/shared/transport/limits.ts';
import type { CoordinatorRun, SimCoordinator } from './coordinator.ts';
import type { AgentRun, SimNode } from './node.ts';
import { address } from './plan.ts';
import { type SimSignal, simSignal } from './signal.ts';
import type { SimWorld } from './world.ts';

type Served<T> = (run: AgentRun, signal: SimSignal, say: (progress: StepProgress) => void) => Promise<T>;

/** A call under way, as its coordinator knows it. */
export interface OpenCall {
  readonly node: SimNode;
  readonly coordinator: CoordinatorRun;
  /** The agent's run that it arrived at. */
  run: AgentRun | undefined;
  /** Ends it for the caller with UNREACHABLE. */
  breaks(words: string): void;
}

/** One coordinator's connections to all agents. */
export class SimAgents implements Agents {
  readonly #clients: SimAgentClient[];
  readonly #known: readonly AgentAddress[];

  constructor(world: SimWorld, coordinator: SimCoordinator, run: CoordinatorRun) {
    this.#clients = world.nodes.map((node) => new SimAgentClient(world, coordinator, run, node));
    this.#known = this.#clients.map(({ node, address: at }) => ({ node, address: at }));
  }

  known(): readonly AgentAddress[] {
    return this.#known;
  }

  client({ node }: AgentAddress): AgentClient {
    const client = this.#clients.find((each) => each.node === node);
    if (client === undefined) throw new Error(`no node ${node}`);
    return client;
  }
}

class SimAgentClient implements AgentClient {
  readonly node: string;
  readonly address: string;
  readonly #world: SimWorld;
  readonly #coordinator: SimCoordinator;
  readonly #run: CoordinatorRun;
  readonly #node: SimNode;
  readonly #caller: string;

  constructor(world: SimWorld, coordinator: SimCoordinator, run: CoordinatorRun, node: SimNode) {
    this.#world = world;
    this.#coordinator = coordinator;
    this.#run = run;
    this.#node = node;
    this.node = node.name;
    this.address = address(node.index);
    this.#caller = `lockstep://lab/coordinator/${coordinator.name}`;
  }

  promise(request: PromiseRequest, signal: AbortSignal): Promise<PromiseResponse> {
    return this.#call('Promise', signal, (run) => run.executor.promise(request, this.#caller));
  }

  commit(request: CommitRequest, signal: AbortSignal): Promise<CommitResponse> {
    return this.#call('Commit', signal, (run) => run.executor.commit(request, this.#caller));
  }

  observeMember(hashRevision: bigint, signal: AbortSignal): Promise<ObserveMemberResponse> {
    return this.#call('ObserveMember', signal, (run, served) =>
      observeMember({ node: this.node, ...run }, hashRevision, served),
    );
  }

  readLedger(operationId: string, signal: AbortSignal): Promise<ReadLedgerResponse> {
    return this.#call('ReadLedger', signal, async (run) => readLedger(run.ledger, operationId));
  }

  execute(
    request: ExecuteRequest,
    onProgress: (progress: StepProgress) => void,
    signal: AbortSignal,
  ): Promise<StepResult> {
    const what = STEP_NAMES[request.step as keyof typeof STEP_NAMES] ?? 'no step';
    return this.#call(
      what,
      signal,
      async (run, served, say) => {
        let result: StepResult | undefined;
        for await (const { event } of run.executor.execute(request, this.#caller, served)) {
          if (event?.$case === 'progress') say(event.value);
          else if (event?.$case === 'result') result = event.value;
        }
        if (result !== undefined) return result;
        throw new LockstepError('UNREACHABLE', { message: 'The agent ended the step without a result.' });
      },
      onProgress,
    );
  }

  describe(signal: AbortSignal): Promise<NodeReport> {
    return this.#call('Describe', signal, ({ io }) =>
      io.read('describe', () => this.#world.reportOf(this.#node), 50),
    );
  }

  checkEncryption(): never {
    throw new Error('no operation checks encryption');
  }

  compareLive(): never {
    throw new Error('no operation compares');
  }

  deleteSnapshot(): never {
    throw new Error('no operation deletes a snapshot');
  }

  markSnapshot(): never {
    throw new Error('no operation marks a snapshot');
  }

  sealSnapshot(): never {
    throw new Error('no operation seals');
  }

  getRevocations(): never {
    throw new Error('no operation asks whom to trust');
  }

  setRevocations(): never {
    throw new Error('no operation withdraws trust');
  }

  describeKept(): never {
    throw new Error('no operation looks at what is kept');
  }

  saveKept(): never {
    throw new Error('no operation saves what is kept');
  }

  saveSnapshot(): never {
    throw new Error('no operation saves a snapshot');
  }

  listSnapshots(): never {
    throw new Error('no operation lists snapshots');
  }

  copySnapshot(): never {
    throw new Error('no operation copies a snapshot');
  }

  exportSnapshot(): never {
    throw new Error('no operation exports a snapshot');
  }

  importSnapshot(): never {
    throw new Error('no operation imports a snapshot');
  }

  verifySnapshot(): never {
    throw new Error('no operation verifies a snapshot');
  }

  drillSnapshot(): never {
    throw new Error('no operation drills a snapshot');
  }

  #call<T>(
    what: string,
    signal: AbortSignal,
    serve: Served<T>,
    onProgress?: (progress: StepProgress) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(this.#unreachable('the call was given up'));
        return;
      }
      let open = true;
      let cancelServed: (() => void) | undefined;
      const close = (): boolean => {
        if (!open) return false;
        open = false;
        this.#world.openCalls.delete(call);
        signal.removeEventListener('abort', givenUp);
        return true;
      };
      const call: OpenCall = {
        node: this.#node,
        coordinator: this.#run,
        run: undefined,
        breaks: (words) => {
          if (close()) reject(this.#unreachable(words));
        },
      };
      const givenUp = (): void => {
        cancelServed?.();
        call.breaks('the deadline passed');
      };
      signal.addEventListener('abort', givenUp, { once: true });
      this.#world.openCalls.add(call);

      // A connection on which something was lost does not live: whoever asks whether it does finds out.
      const lost = (): void => {
        this.#at(KEEPALIVE_TIME_MS + KEEPALIVE_TIMEOUT_MS, 'answer', 'connection lost', () => {
          if (!open) return;
          cancelServed?.();
          call.breaks('the connection was lost');
        });
      };

      const answer = (run: AgentRun, settle: () => void): void => {
        const node = this.#node;
        if (run.actor.dead) return;
        if (node.armed.length > 0 && node.diesAt('ack', 'before')) return;
        this.#send(what, 'answer', settle, lost);
        if (node.armed.length > 0) node.diesAt('ack', 'after');
      };
      const arrive = (): void => {
        const { run } = this.#node;
        if (!this.#node.powered) return lost();
        if (run === undefined) {
          this.#send('refused', 'answer', () => call.breaks('connection refused'), lost);
          return;
        }
        call.run = run;
        const served = simSignal();
        const hold = { aborted: () => served.abort(WENT_AWAY) };
        run.calls.add(hold);
        cancelServed = () => this.#cancel(what, run, hold);
        const say = (progress: StepProgress): void => {
          // Progress is for people: a part of it is enough to show that nothing rests on it.
          if (onProgress === undefined || run.actor.dead || !this.#world.random.chance(0.25)) return;
          this.#send(`${what} progress`, 'answer', () => {
            if (open) onProgress(progress);
          });
        };
        serve(run, served, say).then(
          (value) => {
            run.calls.delete(hold);
            answer(run, () => {
              if (close()) resolve(value);
            });
          },
          (thrown: unknown) => {
            run.calls.delete(hold);
            answer(run, () => {
              if (close()) reject(asLockstepError(thrown));
            });
          },
        );
      };
      this.#send(what, 'request', arrive, lost);
    });
  }

  #cancel(what: string, run: AgentRun, hold: { aborted(): void }): void {
    if (run.actor.dead || !this.#world.isLinked(this.#coordinator.index, this.#node.index, 'request')) return;
    this.#at(this.#world.random.between(1, 8), 'request', `cancel ${what}`, () => {
      run.calls.delete(hold);
      hold.aborted();
    });
  }

  /** One message; the network may lose it, delay it, or deliver it twice. */
  #send(
    what: string,
    direction: 'request' | 'answer',
    deliver: () => void,
    lost: () => void = () => {},
  ): void {
    const world = this.#world;
    const fate = world.injection.fates.of(this.#node.index, direction);
    if (fate.lost) return lost();
    const go = (delayMs: number): void => {
      this.#at(delayMs, direction, what, () => {
        if (world.isLinked(this.#coordinator.index, this.#node.index, direction)) return deliver();
        // TCP sends again for a while; who is cut off long enough never hears of it.
        if (world.random.chance(0.7)) go(world.random.between(500, 4_000));
        else lost();
      });
    };
    go(fate.delayMs);
    if (fate.twice) go(fate.delayMs + world.random.between(1, 3_000));
  }

  /** At whoever receives it: a dead one receives nothing, a paused one later. */
  #at(delayMs: number, direction: 'request' | 'answer', what: string, run: () => void): void {
    const { scheduler } = this.#world;
    const { index } = this.#node;
    if (direction === 'answer') {
      scheduler.at(delayMs, this.#run.actor, 'answer', what, index, this.#coordinator.index, run);
      return;
    }
    // Whoever runs the agent when it arrives.
    scheduler.at(delayMs, this.#node.door, 'request', what, index, this.#coordinator.index, run);
  }

  #unreachable(words: string): LockstepError {
    return new LockstepError('UNREACHABLE', { message: `${this.address}: ${words}`, node: this.node });
  }
}

const WENT_AWAY = new Error('the caller went away');
