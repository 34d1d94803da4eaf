import type { Clock } from '@lockstep/shared/clock.ts';
import { asLockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { StepProgress } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { Answer, Ask, Effect, TransitionEvent } from '../core/events.ts';
import { hasEnded, type OperationState } from '../core/state.ts';
import { step } from '../core/transition.ts';
import type { AgentClient, Agents } from './ports.ts';

/** A watcher sees a long step move this often, not with every chunk. */
const PROGRESS_EVERY_MS = 250;

export interface OperationRunSettings {
  readonly state: OperationState;
  /** As promised, byte for byte. */
  readonly planBytes: Uint8Array;
  readonly planSha256: string;
  readonly agents: Agents;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publish: (event: OperationEvent) => void;
}

/** What carries an operation out, whatever its kind. */
export type Run = Pick<OperationRun, 'state' | 'ended' | 'start' | 'abort' | 'notice' | 'close'>;

/**
 * Performs what the core decides and tells it what happened. It decides nothing: no order, no
 * retry, no deadline is its own.
 */
export class OperationRun {
  #state: OperationState;
  #closed = false;
  readonly #settings: OperationRunSettings;
  readonly #clients: ReadonlyMap<string, AgentClient>;
  readonly #calls = new Map<number, AbortController>();
  readonly #timers = new Map<number, Disposable>();
  readonly #ended = Promise.withResolvers<OperationState>();

  constructor(settings: OperationRunSettings) {
    this.#settings = settings;
    this.#state = settings.state;
    this.#clients = new Map(
      settings.state.plan.nodes.map(({ node, address }) => [node, settings.agents.client({ node, address })]),
    );
  }

  get state(): OperationState {
    return this.#state;
  }

  /** Resolves with the last state; rejects where the core found itself in a state that cannot be. */
  get ended(): Promise<OperationState> {
    return this.#ended.promise;
  }

  start(): void {
    this.#feed({ kind: 'started', atMs: this.#settings.clock.nowMs() });
  }

  /** Only where `mayAbort(state)` or the ledgers are being read. */
  abort(failure: Failure): void {
    this.#feed({ kind: 'abort', failure, atMs: this.#settings.clock.nowMs() });
  }

  notice(code: string, message: string): void {
    if (hasEnded(this.#state)) return;
    this.#feed({ kind: 'noticed', code, message, atMs: this.#settings.clock.nowMs() });
  }

  /** Stops without ending: the agents' ledgers hold the operation, and whoever starts next takes it over. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#calls.values()) controller.abort(new Error('the coordinator stops'));
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#calls.clear();
    this.#timers.clear();
    this.#ended.resolve(this.#state);
  }

  #feed(event: TransitionEvent): void {
    if (this.#closed || hasEnded(this.#state)) return;
    try {
      const next = step(this.#state, event);
      this.#state = next.state;
      for (const effect of next.effects) this.#perform(effect);
    } catch (thrown) {
      this.#settings.logger.fatal(
        { err: thrown, event: event.kind },
        'the operation is in a state that cannot be',
      );
      // Before the stop, which resolves it: who waits must not take this for an end like any other.
      this.#ended.reject(thrown);
      this.close();
      return;
    }
    if (!hasEnded(this.#state)) return;
    this.#ended.resolve(this.#state);
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'publish':
        return this.#settings.publish(effect.event);
      case 'call':
        void this.#call(effect.call, effect.node, effect.ask, effect.deadlineMs);
        return;
      case 'cancel-call':
        this.#calls.get(effect.call)?.abort(new Error('no longer wanted'));
        this.#calls.delete(effect.call);
        return;
      case 'set-timer':
        this.#timers.set(
          effect.timer,
          this.#settings.clock.after(effect.afterMs, () => {
            this.#timers.delete(effect.timer);
            this.#feed({ kind: 'timer', timer: effect.timer, atMs: this.#settings.clock.nowMs() });
          }),
        );
        return;
      case 'clear-timer':
        this.#timers.get(effect.timer)?.[Symbol.dispose]();
        this.#timers.delete(effect.timer);
        return;
    }
  }

  async #call(call: number, node: string, ask: Ask, deadlineMs: number): Promise<void> {
    const controller = new AbortController();
    this.#calls.set(call, controller);
    const event = await this.#ask(
      call,
      node,
      ask,
      this.#settings.clock.deadline(deadlineMs, controller.signal),
    );
    if (!this.#calls.delete(call)) return;
    this.#feed({ ...event, atMs: this.#settings.clock.nowMs() });
  }

  async #ask(call: number, node: string, ask: Ask, signal: AbortSignal): Promise<TransitionEvent> {
    const { clock } = this.#settings;
    try {
      return {
        kind: 'answered',
        call,
        answer: await this.#answer(call, node, ask, signal),
        atMs: clock.nowMs(),
      };
    } catch (thrown) {
      const failure = toFailure(thrown, node);
      this.#settings.logger.debug(
        { node, ask: ask.kind, code: failure.code },
        'an agent answered with a failure',
      );
      return { kind: 'failed', call, failure, atMs: clock.nowMs() };
    }
  }

  async #answer(call: number, node: string, ask: Ask, signal: AbortSignal): Promise<Answer> {
    const client = this.#clients.get(node);
    if (client === undefined) throw new Error(`no client of ${node}`);
    const { operationId, nodes } = this.#state.plan;
    const { planSha256, planBytes } = this.#settings;
    switch (ask.kind) {
      case 'promise': {
        const ledgerId = nodes.find((each) => each.node === node)?.ledgerId ?? '';
        const plan = Buffer.from(planBytes);
        await client.promise({ epoch: ask.epoch, operationId, plan, ledgerId }, signal);
        return { kind: 'promise' };
      }
      case 'commit':
        await client.commit({ epoch: ask.epoch, operationId, planSha256 }, signal);
        return { kind: 'commit' };
      case 'observe':
        return { kind: 'observe', member: await client.observeMember(ask.hashRevision, signal) };
      case 'read-ledger':
        return { kind: 'read-ledger', ledger: await client.readLedger(operationId, signal) };
      case 'execute': {
        const timeoutMs = BigInt(Math.round(ask.timeoutMs));
        const request = { epoch: ask.epoch, operationId, planSha256, step: ask.step, timeoutMs };
        const result = await client.execute(request, this.#progress(call), signal);
        return { kind: 'execute', result };
      }
      default:
        return ask satisfies never;
    }
  }

  #progress(call: number): (progress: StepProgress) => void {
    let lastMs = 0;
    return (progress) => {
      const nowMs = this.#settings.clock.nowMs();
      if (nowMs - lastMs < PROGRESS_EVERY_MS || !this.#calls.has(call)) return;
      lastMs = nowMs;
      this.#feed({ kind: 'progressed', call, progress, atMs: nowMs });
    };
  }
}

/** For a log: the code and words of anything thrown. */
export function describeThrown(thrown: unknown): { code: string; message: string } {
  const { code, message } = asLockstepError(thrown);
  return { code, message };
}
