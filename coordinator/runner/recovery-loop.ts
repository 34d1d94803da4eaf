import type { Clock } from '@lockstep/shared/clock.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { isUnended } from '../core/recovery.ts';
import { setsAside } from '../core/set-aside.ts';
import type { OperationState } from '../core/state.ts';
import { describeThrown } from './operation-run.ts';
import type { Operations } from './operations.ts';
import type { AgentAddress, Agents, Leadership } from './ports.ts';
import type { SettingAside } from './setting-aside.ts';

const LEDGER_TIMEOUT_MS = 5_000;
/** Between two looks at agents that have not answered: twice as long each time, within these. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** Where nothing is missing; a new agent's presence is noticed within this. */
const IDLE_PAUSE_MS = 2_000;
/** Every ledger is read again this often: a promise may arrive after its operation has ended. */
const RESCAN_EVERY_MS = 10_000;
/** While an operation runs: who leads and reaches nobody leaves the lead to one that may. */
const REACH_EVERY_MS = 1_000;
const REACH_TIMEOUT_MS = 1_500;
/** An agent that is there has answered by then. */
const REACH_QUICK_MS = 250;
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
 * Looks at each agent's ledger at the start, after each operation, every so often, and at once
 * when this coordinator begins to lead. Who leads takes over what is open there and finishes or
 * undoes it, unasked, and sets aside a node that a restore went on without; who stands by only
 * looks. An operation that waits for a person is left alone.
 */
export class RecoveryLoop {
  readonly #agents: Agents;
  readonly #operations: Operations;
  readonly #leadership: Leadership;
  readonly #settingAside: RecoveryLoopSettings['settingAside'];
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Ledgers read since the last rescan, with nothing left to do about them, by node and address. */
  readonly #settled = new Set<string>();
  /** Ledgers read at least once. */
  readonly #known = new Set<string>();
  readonly #ledgers = new Map<string, ReadLedgerResponse>();
  readonly #takeovers = new Map<string, number>();
  /** Operations that were taken up only to have their end on record. */
  readonly #recorded = new Set<string>();
  readonly #lookedFirst = Promise.withResolvers<void>();
  #begun = 0;
  #rescannedMs = 0;
  /** It began to lead, or is left to itself, since the last look: then nothing is paused for. */
  #mayAct = false;
  #wake: () => void = () => {};

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
    using _leading = this.#leadership.onChange(() => {
      if (!this.#leadership.leads && !this.#leadership.silent) return;
      this.#mayAct = true;
      this.#settled.clear();
      this.#wake();
    });
    await this.#run(signal);
    this.#lookedFirst.resolve();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const complete = await this.#lookOnce(signal).catch((thrown: unknown) => {
        if (!signal.aborted) this.#logger.error(describeThrown(thrown), 'looking for open operations failed');
        return false;
      });
      pauseMs = complete ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      await this.#pause(complete ? IDLE_PAUSE_MS : pauseMs, signal);
    }
  }

  /** True where every known agent's ledger has been read and nothing is left to take over. */
  async #lookOnce(signal: AbortSignal): Promise<boolean> {
    this.#mayAct = false;
    // Whoever runs an operation asks its agents itself; what it leaves behind is looked at after.
    if (this.#operations.isBusy) {
      const { running } = this.#operations;
      if (running !== undefined) await this.#attend(running.ended, signal);
      this.#settled.clear();
      return false;
    }
    this.#forgetWhatIsOld();
    const known = this.#agents.known();
    const unsettled = known.filter((each) => !this.#settled.has(keyOf(each)));
    // Side by side, and each is acted upon at once: one that does not answer holds up no other.
    const answered = await Promise.all(unsettled.map((each) => this.#look(each, signal)));
    // Those that are settled have answered lately: one that is away says nothing about the others.
    const askedAll = known.length > 0 && unsettled.length === known.length;
    if (askedAll && !answered.includes(true)) this.#leadership.reaches(false);
    const complete = known.length > 0 && known.every((each) => this.#settled.has(keyOf(each)));
    if (this.#leadership.leads) {
      await this.#recordPast(known, signal);
      await this.#endWhatNobodyTook(known, signal);
    }
    if (complete) this.#lookedFirst.resolve();
    return complete;
  }

  #forgetWhatIsOld(): void {
    const nowMs = this.#clock.monotonicMs();
    const { begun } = this.#operations;
    // An operation that came and went between two looks changed the ledgers all the same.
    if (begun === this.#begun && nowMs - this.#rescannedMs < RESCAN_EVERY_MS) return;
    this.#begun = begun;
    this.#rescannedMs = nowMs;
    this.#settled.clear();
  }

  /** Reads one ledger and acts upon it. True where the agent answered. */
  async #look(agent: AgentAddress, signal: AbortSignal): Promise<boolean> {
    const { begun } = this.#operations;
    const ledger = await this.#read(agent, signal);
    if (ledger === undefined) return false;
    this.#leadership.reaches(true);
    const firstTime = !this.#known.has(keyOf(agent));
    this.#known.add(keyOf(agent));
    // What was read before an operation began says nothing any more.
    if (begun !== this.#operations.begun || this.#operations.isBusy) return true;
    this.#ledgers.set(agent.node, ledger);
    if (!this.#leadership.leads) {
      if (this.#isOrphanOfOurs(ledger)) await this.#takeOver(ledger, signal);
      else this.#settled.add(keyOf(agent));
      return true;
    }
    if (isUnended(ledger) && setsAside(ledger)) {
      await this.#attempt(agent, () => this.#settingAside.resume(agent, ledger, signal));
    } else if (isUnended(ledger) && this.#isOursToEnd(ledger, firstTime)) {
      await this.#takeOver(ledger, signal);
    } else if (await this.#attempt(agent, () => this.#settingAside.look(agent, ledger, signal))) {
      this.#settled.add(keyOf(agent));
    }
    return true;
  }

  async #read(agent: AgentAddress, signal: AbortSignal): Promise<ReadLedgerResponse | undefined> {
    return this.#attempt(agent, () =>
      this.#agents.client(agent).readLedger('', this.#clock.deadline(LEDGER_TIMEOUT_MS, signal)),
    );
  }

  async #attempt<Result>(agent: AgentAddress, ask: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await ask();
    } catch (thrown) {
      this.#logger.debug({ node: agent.node, ...describeThrown(thrown) }, 'an agent could not be looked at');
      return undefined;
    }
  }

  /**
   * An elected leader ends whatever is open. Where nobody is elected another coordinator may be at
   * work: then only what was there at the first look, and what this one knows, is taken up.
   */
  #isOursToEnd({ operationId, promised }: ReadLedgerResponse, firstTime: boolean): boolean {
    if (this.#waitsForPerson(operationId, promised)) return false;
    return this.#leadership.elected || firstTime || this.#operations.records.knows(operationId);
  }

  /**
   * Where nothing is heard of who leads, an operation whose agent obeys this coordinator, which does
   * not run it, is nobody else's: a restart goes on with what it left, NATS or not.
   */
  #isOrphanOfOurs(ledger: ReadLedgerResponse): boolean {
    if (!this.#leadership.silent || !isUnended(ledger) || setsAside(ledger)) return false;
    if (this.#waitsForPerson(ledger.operationId, ledger.promised)) return false;
    return this.#operations.isCommandedHere(ledger);
  }

  async #takeOver(ledger: ReadLedgerResponse, signal: AbortSignal): Promise<void> {
    const { operationId } = ledger;
    this.#takeovers.set(operationId, (this.#takeovers.get(operationId) ?? 0) + 1);
    this.#logger.warn({ operationId, node: ledger.node }, 'taking over an open operation');
    const taken = this.#operations.takeOver(ledger.plan);
    this.#lookedFirst.resolve();
    await this.#attend(taken, signal);
  }

  /** The latest operation of the ledgers, where the journal does not know how it ended. */
  async #recordPast(known: readonly AgentAddress[], signal: AbortSignal): Promise<void> {
    const past = known
      .map((each) => this.#ledgers.get(each.node))
      .find(
        (each) =>
          each !== undefined &&
          each.operationId !== '' &&
          each.plan.length > 0 &&
          !isUnended(each) &&
          !setsAside(each) &&
          !this.#recorded.has(each.operationId) &&
          !this.#operations.records.knowsEnd(each.operationId) &&
          this.#haveAllSettled(known, each.plan),
      );
    if (past === undefined || this.#operations.isBusy) return;
    this.#recorded.add(past.operationId);
    await this.#attend(this.#operations.takeOver(past.plan), signal);
  }

  /**
   * An operation of this coordinator that died before any agent had promised: it is in no ledger, so
   * nothing there sets it off, and without this it would be under way on record for ever. The
   * ledgers are asked once more; one that has taken it since goes on from there.
   */
  async #endWhatNobodyTook(known: readonly AgentAddress[], signal: AbortSignal): Promise<void> {
    const left = this.#operations.records.leftOpen();
    if (left === undefined || this.#operations.isBusy || this.#recorded.has(left.operationId)) return;
    if (!this.#haveAllSettled(known, left.planBytes)) return;
    // What a ledger holds is taken up from there, or waits for a person.
    if ([...this.#ledgers.values()].some(({ operationId }) => operationId === left.operationId)) return;
    this.#recorded.add(left.operationId);
    this.#logger.warn({ operationId: left.operationId }, 'ending an operation that no agent took');
    await this.#attend(this.#operations.takeOver(left.planBytes), signal);
  }

  /** Of every node that takes part; one that was left out may never answer again. */
  #haveAllSettled(known: readonly AgentAddress[], planBytes: Uint8Array): boolean {
    return RestorePlan.decode(planBytes).nodes.every(({ node }) =>
      known.some((each) => each.node === node && this.#settled.has(keyOf(each))),
    );
  }

  /** Waits for the end of what runs here, watching whether the agents are reached at all. */
  async #attend(ended: Promise<OperationState>, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const watching = this.#leadership.elected
      ? this.#watchReach(AbortSignal.any([signal, over.signal]))
      : undefined;
    try {
      const last = await raceAbort(ended, signal);
      if (last?.stage.kind === 'superseded') await this.#pause(STAND_BACK_MS, signal);
    } finally {
      over.abort();
      await watching;
    }
  }

  async #watchReach(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.delay(REACH_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const reached = await this.#reachesAny(signal);
      if (signal.aborted || reached === undefined) continue;
      this.#leadership.reaches(reached);
    }
  }

  /** One that answers is enough: the others are asked where it is not quick. Undefined where none is known. */
  async #reachesAny(signal: AbortSignal): Promise<boolean | undefined> {
    const [first, ...others] = this.#agents.known();
    if (first === undefined) return undefined;
    const answer = this.#answers(first, signal);
    const late = Promise.withResolvers<false>();
    using _quick = this.#clock.after(REACH_QUICK_MS, () => late.resolve(false));
    if (await Promise.race([answer, late.promise])) return true;
    const answers = await Promise.all([answer, ...others.map((each) => this.#answers(each, signal))]);
    return answers.includes(true);
  }

  async #answers(agent: AgentAddress, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#agents.client(agent).readLedger('', this.#clock.deadline(REACH_TIMEOUT_MS, signal));
      return true;
    } catch (thrown) {
      return describeThrown(thrown).code !== 'UNREACHABLE';
    }
  }

  /** Ends early where this coordinator begins to lead: who led before is gone. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#mayAct) return;
    const over = new AbortController();
    this.#wake = () => over.abort();
    await this.#clock.delay(ms, AbortSignal.any([signal, over.signal])).catch(() => undefined);
    this.#wake = () => {};
  }

  #waitsForPerson(operationId: string, promised: Epoch | undefined): boolean {
    const takeovers = this.#takeovers.get(operationId) ?? 0;
    return takeovers >= MAX_TAKEOVERS || this.#operations.records.waitsForPerson(operationId, promised);
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
