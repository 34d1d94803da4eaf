import type { Clock } from '@lockstep/shared/clock.ts';
import { fromFailure, LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadLedgerResponse, StepProgress } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { failureOf, isTransient } from '../core/failures.ts';
import { STEP_WORDS } from '../core/phases.ts';
import { nextOfRejoin, type RejoinNext, stateInRejoin } from '../core/rejoin.ts';
import { hasEnded, type OperationState } from '../core/state.ts';
import { Turn } from '../core/turn.ts';
import type { OperationRunSettings } from './operation-run.ts';
import type { AgentClient } from './ports.ts';

const SHORT_TIMEOUT_MS = 10_000;
/** Catching up with a store of 8 GB over a slow link; starting an API server takes seconds. */
const STEP_TIMEOUT_MS = 15 * 60_000;
const RETRY_MS = 1_000;
/** An agent that does not answer is waited for this long; its ledger holds what it has done. */
const PATIENCE_MS = 5 * 60_000;
/** An agent that answers with a fault is asked this often before the way back is taken, or a person asked. */
const MAX_FAULTS = 3;
const PROGRESS_EVERY_MS = 250;

/** In which phase of a restore a person would look for such a step. */
const PHASES: Partial<Record<Step, Phase>> = {
  [Step.STEP_REJOIN_ADMIT]: Phase.PHASE_PROMISE,
  [Step.STEP_REJOIN_EMPTY]: Phase.PHASE_BUILD,
  [Step.STEP_REJOIN_START]: Phase.PHASE_START_ETCD,
  [Step.STEP_REJOIN_PROMOTE]: Phase.PHASE_COMMIT,
  [Step.STEP_REJOIN_SERVE]: Phase.PHASE_START_API,
  [Step.STEP_REJOIN_BACK]: Phase.PHASE_UNDO,
};

/**
 * A re-join, one step of one node after another. Nothing is remembered between two steps but how
 * often one failed: what is next is read from the two ledgers each time, so whoever takes it up
 * goes on where it stands.
 */
export class RejoinRun {
  #state: OperationState;
  /** Why it goes back; undefined as long as it goes forward. */
  #back: Failure | undefined;
  #faults = 0;
  readonly #settings: OperationRunSettings;
  readonly #clients: ReadonlyMap<string, AgentClient>;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<OperationState>();

  constructor(settings: OperationRunSettings) {
    this.#settings = settings;
    this.#state = settings.state;
    this.#back = settings.state.abort;
    this.#clients = new Map(
      settings.state.plan.nodes.map(({ node, address }) => [node, settings.agents.client({ node, address })]),
    );
  }

  get state(): OperationState {
    return this.#state;
  }

  /** Resolves with the last state; rejects at a defect. */
  get ended(): Promise<OperationState> {
    return this.#ended.promise;
  }

  start(): void {
    this.#run(this.#stop.signal).then(
      () => this.#ended.resolve(this.#state),
      (thrown: unknown) => {
        if (this.#stop.signal.aborted) this.#ended.resolve(this.#state);
        else this.#ended.reject(thrown);
      },
    );
  }

  /** From the next step on it goes back, where the ledgers still allow it. */
  abort(failure: Failure): void {
    this.#back ??= failure;
  }

  notice(code: string, message: string): void {
    if (!hasEnded(this.#state)) this.#change((turn) => turn.notice(code, message));
  }

  /** Stops without ending: the ledgers hold the operation. */
  close(): void {
    this.#stop.abort(new Error('the coordinator stops'));
  }

  async #run(signal: AbortSignal): Promise<void> {
    const isFresh = this.#state.settleRounds === 0;
    // What may have happened is known once the ledgers have been read, before anything is asked.
    this.#change((turn) => {
      turn.state.mayBeCommitted = false;
      turn.enterPhase(Phase.PHASE_PROMISE);
    });
    const promised = await this.#attempt(() => this.#promise(isFresh, signal), signal);
    if (promised !== undefined) return this.#end(promised.outcome, promised.failure);
    for (;;) {
      const ended = await this.#attempt(() => this.#step(signal), signal);
      if (ended !== undefined) return this.#end(ended.outcome, ended.failure);
    }
  }

  /** Repeats what fails only for a moment. Undefined: go on. */
  async #attempt(act: () => Promise<End | undefined>, signal: AbortSignal): Promise<End | undefined> {
    const { clock, logger } = this.#settings;
    const untilMs = clock.monotonicMs() + PATIENCE_MS;
    for (;;) {
      try {
        return await act();
      } catch (thrown) {
        signal.throwIfAborted();
        const failure = toFailure(thrown);
        logger.warn({ node: failure.node, code: failure.code, reason: failure.message }, 're-join: not yet');
        if (failure.code === 'EPOCH_STALE') return { outcome: 'superseded', failure };
        if (!isTransient(failure)) return this.#onFault(failure);
        if (clock.monotonicMs() > untilMs) return { outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure };
      }
      await clock.delay(RETRY_MS, signal);
    }
  }

  #onFault(failure: Failure): End | undefined {
    this.#change((turn) => {
      if (this.#clients.has(failure.node)) turn.nodeFailed(failure.node, failure);
    });
    // It votes after all: there is only forward.
    if (failure.code === 'ALREADY_COMMITTED') {
      this.#back = undefined;
      return undefined;
    }
    this.#faults += 1;
    if (this.#faults < MAX_FAULTS) return undefined;
    if (this.#back !== undefined || this.#state.mayBeCommitted) {
      return { outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure };
    }
    this.#faults = 0;
    this.#back = failure;
    const fromPhase = this.#state.phases.at(-1)?.phase ?? Phase.PHASE_PROMISE;
    this.#change((turn) => turn.publish({ $case: 'undoStarted', value: { fromPhase, cause: failure } }));
    return undefined;
  }

  /** A promise above all that either gave. One that was never asked is asked only at the very beginning. */
  async #promise(isFresh: boolean, signal: AbortSignal): Promise<End | undefined> {
    const { plan } = this.#state;
    const ledgers = await this.#ledgers(signal);
    const highest = [...ledgers.values()].reduce(
      (number, ledger) =>
        (ledger.promised?.number ?? 0n) > number ? (ledger.promised?.number ?? 0n) : number,
      0n,
    );
    const number = highest >= this.#state.epoch.number ? highest + 1n : this.#state.epoch.number;
    this.#change((turn) => {
      turn.state.epoch = { ...turn.state.epoch, number };
    });
    for (const { node, ledgerId } of plan.nodes) {
      const ledger = ledgers.get(node);
      const state = ledger === undefined ? undefined : stateInRejoin(plan, ledger);
      const isUnasked = state === LedgerState.OPERATION_STATE_UNSPECIFIED;
      if (state !== LedgerState.OPERATION_STATE_OPEN && !(isFresh && isUnasked)) continue;
      await this.#client(node).promise(
        {
          epoch: this.#state.epoch,
          operationId: plan.operationId,
          plan: Buffer.from(this.#settings.planBytes),
          ledgerId,
        },
        this.#deadline(SHORT_TIMEOUT_MS, signal),
      );
    }
    return undefined;
  }

  async #step(signal: AbortSignal): Promise<End | undefined> {
    const { plan } = this.#state;
    const ledgers = await this.#ledgers(signal);
    this.#remember(ledgers);
    const next = nextOfRejoin(plan, ledgers, this.#back !== undefined);
    switch (next.kind) {
      case 'ended':
        return {
          outcome: next.outcome,
          failure:
            next.outcome === Outcome.OUTCOME_ROLLED_BACK
              ? (this.#back ?? failureOf('ABORTED', 'the re-join had been taken back'))
              : undefined,
        };
      case 'impossible': {
        const words = [...ledgers].map(([node, ledger]) => `${node}: ${stateInRejoin(plan, ledger)}`);
        const failure = failureOf(
          'LEDGERS_DISAGREE',
          `the two ledgers of the re-join say ${words.join(', ')}`,
        );
        return { outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure };
      }
      case 'step':
        await this.#execute(next, signal);
        this.#faults = 0;
        return undefined;
      default:
        return next satisfies never;
    }
  }

  async #execute({ node, step }: Extract<RejoinNext, { kind: 'step' }>, signal: AbortSignal): Promise<void> {
    const { planSha256 } = this.#settings;
    this.#change((turn) => {
      turn.enterPhase(PHASES[step] ?? turn.phase);
      turn.nodeWorks(node, turn.phase, STEP_WORDS[step]);
    });
    const { failure } = await this.#client(node).execute(
      {
        epoch: this.#state.epoch,
        operationId: this.#state.plan.operationId,
        planSha256,
        step,
        timeoutMs: BigInt(STEP_TIMEOUT_MS),
      },
      this.#progress(node),
      this.#deadline(STEP_TIMEOUT_MS + SHORT_TIMEOUT_MS, signal),
    );
    if (failure !== undefined) throw fromFailure({ ...failure, node });
    this.#change((turn) => turn.nodeDone(node));
  }

  /** By node. One whose ledger has never heard of it stands in with what it says of itself. */
  async #ledgers(signal: AbortSignal): Promise<Map<string, ReadLedgerResponse>> {
    const { operationId, nodes } = this.#state.plan;
    const read = async ({ node, ledgerId }: NodePlan): Promise<[string, ReadLedgerResponse]> => {
      const client = this.#client(node);
      const ask = (id: string): Promise<ReadLedgerResponse> =>
        client.readLedger(id, this.#deadline(SHORT_TIMEOUT_MS, signal));
      const ledger = await ask(operationId).catch((thrown: unknown) => {
        if (thrown instanceof LockstepError && thrown.code === 'OPERATION_NOT_FOUND') return ask('');
        throw thrown;
      });
      if (ledger.ledgerId === ledgerId) return [node, ledger];
      throw new LockstepError('LEDGER_STRANGER', {
        node,
        message: `The plan names ledger ${ledgerId} for ${node}; it has ${ledger.ledgerId}.`,
      });
    };
    return new Map(await Promise.all(nodes.map(read)));
  }

  #remember(ledgers: ReadonlyMap<string, ReadLedgerResponse>): void {
    const { plan } = this.#state;
    this.#change((turn) => {
      for (const [node, ledger] of ledgers) {
        const state = stateInRejoin(plan, ledger);
        const closed = state === LedgerState.OPERATION_STATE_CLOSED;
        // The sponsor closes with the promotion.
        if (closed) turn.state.mayBeCommitted = true;
        turn.setNode(node, {
          promised: state !== LedgerState.OPERATION_STATE_UNSPECIFIED,
          committed: closed,
          closed,
          undone: state === LedgerState.OPERATION_STATE_UNDONE,
        });
      }
    });
  }

  #end(outcome: Outcome | 'superseded', failure: Failure | undefined): void {
    this.#change((turn) => {
      if (outcome === 'superseded') {
        turn.notice('EPOCH_STALE', 'Another coordinator has taken this operation over');
        turn.setStage({ kind: 'superseded' });
        return;
      }
      turn.endPhase();
      turn.state.endedMs = turn.nowMs;
      turn.setStage({ kind: 'ended', outcome, failure });
      turn.publish({ $case: 'operationEnded', value: { outcome, failure } });
    });
  }

  #progress(node: string): (progress: StepProgress) => void {
    const { clock } = this.#settings;
    let lastMs = 0;
    return (progress) => {
      const nowMs = clock.nowMs();
      if (nowMs - lastMs < PROGRESS_EVERY_MS || hasEnded(this.#state)) return;
      lastMs = nowMs;
      this.#change((turn) => turn.nodeProgressed(node, progress));
    };
  }

  #change(change: (turn: Turn) => void): void {
    const turn = new Turn(this.#state, this.#settings.clock.nowMs());
    change(turn);
    this.#state = turn.state;
    for (const effect of turn.effects) if (effect.kind === 'publish') this.#settings.publish(effect.event);
  }

  #client(node: string): AgentClient {
    const client = this.#clients.get(node);
    if (client === undefined) throw new Error(`no client of ${node}`);
    return client;
  }

  #deadline(ms: number, signal: AbortSignal): AbortSignal {
    const { clock }: { clock: Clock } = this.#settings;
    return clock.deadline(ms, signal);
  }
}

interface End {
  readonly outcome: Outcome | 'superseded';
  readonly failure: Failure | undefined;
}
