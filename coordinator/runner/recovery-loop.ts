import type { Clock } from '@lockstep/shared/clock.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { setsAside } from '../core/set-aside.ts';
import type { OperationState } from '../core/state.ts';
import { describeThrown } from './operation-run.ts';
import { isUnended, type Operations } from './operations.ts';
import type { AgentAddress, Agents, Leadership } from './ports.ts';
import type { SettingAside } from './setting-aside.ts';

const LEDGER_TIMEOUT_MS = 5_000;
/** Between two looks at agents that have not answered: twice as long each time, within these. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** Where nothing is missing; a new agent's presence is noticed within this. */
const IDLE_PAUSE_MS = 2_000;
/** After a start, questions about operations wait this long for the agents that can answer them. */
const FIRST_LOOK_MS = 5_000;
/** Who was superseded leaves the operation to who did it: two that take it from each other lengthen the downtime. */
const STAND_BACK_MS = 30_000;
/** One operation is taken over this often before a person is asked; each time is bounded by itself. */
export const MAX_TAKEOVERS = 5;

export interface RecoveryLoopSettings {
  readonly agents: Agents;
  readonly operations: Operations;
  readonly leadership: Leadership;
  readonly settingAside: Pick<SettingAside, 'look' | 'resume'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Looks at each agent's ledger once, and again after an operation ended without that agent. What
 * is open there is taken over and finished or undone, unasked. An operation that waits for a
 * person is left alone. A node that a restore went on without is set aside when it answers.
 */
export class RecoveryLoop {
  readonly #agents: Agents;
  readonly #operations: Operations;
  readonly #leadership: Leadership;
  readonly #settingAside: RecoveryLoopSettings['settingAside'];
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Ledgers read and found settled, by node and address. */
  readonly #settled = new Set<string>();
  readonly #ledgers = new Map<string, ReadLedgerResponse>();
  readonly #takeovers = new Map<string, number>();
  #begun = 0;
  readonly #lookedFirst = Promise.withResolvers<void>();

  constructor(settings: RecoveryLoopSettings) {
    this.#agents = settings.agents;
    this.#operations = settings.operations;
    this.#leadership = settings.leadership;
    this.#settingAside = settings.settingAside;
    this.#clock = settings.clock;
    this.#logger = settings.logger;
  }

  /** Resolves once every agent's ledger has been read, or had its time to answer: what is open is known then. */
  get lookedFirst(): Promise<void> {
    return this.#lookedFirst.promise;
  }

  /** Until the signal. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    using _enough = this.#clock.after(FIRST_LOOK_MS, () => this.#lookedFirst.resolve());
    await this.#run(signal);
    this.#lookedFirst.resolve();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      if (!this.#leadership.leads) {
        await this.#clock.delay(IDLE_PAUSE_MS, signal).catch(() => undefined);
        continue;
      }
      const complete = await this.#lookOnce(signal).catch((thrown: unknown) => {
        if (!signal.aborted) this.#logger.error(describeThrown(thrown), 'looking for open operations failed');
        return false;
      });
      pauseMs = complete ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      await this.#clock.delay(complete ? IDLE_PAUSE_MS : pauseMs, signal).catch(() => undefined);
    }
  }

  /** True where every known agent's ledger has been read and nothing is left to take over. */
  async #lookOnce(signal: AbortSignal): Promise<boolean> {
    // Whoever runs an operation asks its agents itself; what it leaves behind is looked at after.
    if (this.#operations.isBusy) {
      const { running } = this.#operations;
      if (running !== undefined) await this.#standBack(await raceAbort(running.ended, signal), signal);
      this.#settled.clear();
      return false;
    }
    // One that came and went between two looks changed the ledgers all the same.
    if (this.#operations.begun !== this.#begun) {
      this.#begun = this.#operations.begun;
      this.#settled.clear();
    }
    const known = this.#agents.known();
    const open = await Promise.all(
      known.filter((each) => !this.#settled.has(keyOf(each))).map((each) => this.#read(each, signal)),
    );
    for (const ledger of open) {
      if (ledger === undefined || this.#operations.isBusy) continue;
      if (!isUnended(ledger)) continue;
      await this.#takeOver(ledger, signal);
    }
    const complete = known.length > 0 && known.every((each) => this.#settled.has(keyOf(each)));
    if (complete) await this.#recordPast(known, signal);
    if (complete) this.#lookedFirst.resolve();
    return complete;
  }

  async #read(agent: AgentAddress, signal: AbortSignal): Promise<ReadLedgerResponse | undefined> {
    try {
      const ledger = await this.#agents
        .client(agent)
        .readLedger('', this.#clock.deadline(LEDGER_TIMEOUT_MS, signal));
      this.#ledgers.set(agent.node, ledger);
      if (isUnended(ledger) && setsAside(ledger)) {
        await this.#settingAside.resume(agent, ledger, signal);
        return undefined;
      }
      if (isUnended(ledger) && !this.#waitsForPerson(ledger.operationId)) return ledger;
      if (await this.#settingAside.look(agent, ledger, signal)) this.#settled.add(keyOf(agent));
      return ledger;
    } catch (thrown) {
      this.#logger.debug({ node: agent.node, ...describeThrown(thrown) }, 'a ledger could not be read');
      return undefined;
    }
  }

  async #takeOver(ledger: ReadLedgerResponse, signal: AbortSignal): Promise<void> {
    const { operationId } = ledger;
    if (this.#waitsForPerson(operationId)) return;
    this.#takeovers.set(operationId, (this.#takeovers.get(operationId) ?? 0) + 1);
    this.#logger.warn({ operationId, node: ledger.node }, 'taking over an open operation');
    const taken = this.#operations.takeOver(ledger.plan);
    this.#lookedFirst.resolve();
    const last = await raceAbort(taken, signal);
    await this.#standBack(last, signal);
    if (last === undefined) return;
    if (last.stage.kind === 'ended' && last.stage.outcome === Outcome.OUTCOME_NEEDS_OPERATOR) {
      this.#takeovers.set(operationId, MAX_TAKEOVERS);
    }
  }

  /** The latest operation of the ledgers, where the journal does not know how it ended. */
  async #recordPast(known: readonly AgentAddress[], signal: AbortSignal): Promise<void> {
    const past = known
      .map((each) => this.#ledgers.get(each.node))
      .find(
        (each) =>
          each !== undefined &&
          each.operationId !== '' &&
          !setsAside(each) &&
          !this.#operations.knowsEnd(each.operationId),
      );
    if (past === undefined || past.plan.length === 0 || this.#waitsForPerson(past.operationId)) return;
    this.#takeovers.set(past.operationId, MAX_TAKEOVERS);
    if (!this.#operations.isBusy) await raceAbort(this.#operations.takeOver(past.plan), signal);
  }

  async #standBack(last: OperationState | undefined, signal: AbortSignal): Promise<void> {
    if (last?.stage.kind !== 'superseded') return;
    await this.#clock.delay(STAND_BACK_MS, signal).catch(() => undefined);
  }

  #waitsForPerson(operationId: string): boolean {
    const takeovers = this.#takeovers.get(operationId) ?? 0;
    return takeovers >= MAX_TAKEOVERS || this.#operations.waitsForPerson(operationId);
  }
}

function keyOf({ node, address }: AgentAddress): string {
  return `${node} ${address}`;
}

async function raceAbort<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const abort = (): void => aborted.resolve(undefined);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
