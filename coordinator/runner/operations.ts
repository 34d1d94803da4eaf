import type { Clock } from '@lockstep/shared/clock.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Operation } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { isOperationId } from '@lockstep/shared/ids.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { isSameCoordinator } from '../core/coordinator-run.ts';
import { failureOf } from '../core/failures.ts';
import { isUnended } from '../core/recovery.ts';
import { describeOperation, reportOf } from '../core/report.ts';
import { judgeStart, judgeSurvey, nextEpochNumber, type SurveyAnswer } from '../core/start.ts';
import { mayAbort, newOperation, type OperationState, takenOverOperation } from '../core/state.ts';
import { logEvent } from './event-lines.ts';
import { EventLog } from './event-log.ts';
import { askAll } from './inventory.ts';
import { LedgerObserver } from './ledger-observer.ts';
import {
  describeEntry,
  type Entry,
  type KnownOperation,
  newestFirst,
  OperationRecords,
} from './operation-records.ts';
import { OperationRun, type Run } from './operation-run.ts';
import type { Agents, Announcer, Journal, Leadership, Plans, StoredPlan } from './ports.ts';
import { RejoinRun } from './rejoin-run.ts';

const LEDGER_TIMEOUT_MS = 10_000;

export interface OperationsSettings {
  readonly cluster: string;
  /** Who holds the epochs: of this run of the program alone. */
  readonly coordinatorId: string;
  readonly agents: Agents;
  readonly plans: Plans;
  readonly journal: Journal;
  readonly announcer: Announcer;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The operations of one cluster: at most one of them runs. */
export class Operations {
  readonly #settings: OperationsSettings;
  readonly #observer: LedgerObserver;
  readonly records = new OperationRecords();
  /** Set between the decision to start and the end: the answer to two requests at once. */
  #busy: string | undefined;
  #begun = 0;

  constructor(settings: OperationsSettings) {
    this.#settings = settings;
    this.#observer = new LedgerObserver(settings.agents, settings.clock);
  }

  load(signal: AbortSignal): Promise<void> {
    return this.records.load(this.#settings.journal, signal);
  }

  get running(): Run | undefined {
    return this.#busy === undefined ? undefined : this.records.entry(this.#busy)?.run;
  }

  get isBusy(): boolean {
    return this.#busy !== undefined;
  }

  /** How many operations this run of the program has begun or taken up. */
  get begun(): number {
    return this.#begun;
  }

  /** True where this run of the program, or one before it, is the last that the ledger promised to obey. */
  isCommandedHere({ promised }: ReadLedgerResponse): boolean {
    return promised !== undefined && isSameCoordinator(promised.coordinatorId, this.#settings.coordinatorId);
  }

  /** What is on record here, and what the agents' ledgers hold that is not, or went on without this coordinator. */
  async listAll(signal: AbortSignal): Promise<Operation[]> {
    const observed = await this.#observer.latest(signal);
    const all = new Map(this.records.list().map((each) => [each.operationId, each]));
    for (const each of observed) {
      if (!this.records.isCurrent(each.operation.operationId))
        all.set(each.operation.operationId, each.operation);
    }
    return [...all.values()].sort(newestFirst);
  }

  /** One that is on record here, or of the agents' ledgers where it went on without. Undefined where nobody knows it. */
  async find(operationId: string, signal: AbortSignal): Promise<KnownOperation | undefined> {
    const wanted = operationId === '' ? await this.#latestId(signal) : operationId;
    if (wanted === undefined) return undefined;
    const own = this.records.get(wanted);
    if (this.records.isCurrent(wanted)) return own;
    const observed = await this.#observer.observe(wanted, signal);
    // A person's word is waited for until the ledgers say that somebody went on.
    const waits = own !== undefined && this.records.waitsForPerson(wanted);
    if (waits && observed?.operation.outcome === Outcome.OUTCOME_UNSPECIFIED) return own;
    return observed ?? own;
  }

  /**
   * What happened here and what happens, until the operation ends here. Throws NOT_LEADER where
   * another coordinator runs it: it is watched there.
   */
  async *watch(
    operationId: string,
    fromSequence: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<OperationEvent, void, undefined> {
    const entry = this.records.entry(operationId);
    if (entry !== undefined) yield* entry.log.watch(fromSequence, signal);
    if (entry !== undefined && this.records.isCurrent(entry.operationId)) return;
    const found = await this.find(operationId, signal);
    if (found === undefined) throw notFound(operationId);
    if (found.operation.outcome === Outcome.OUTCOME_UNSPECIFIED) this.requireLead();
  }

  /** Throws NOT_LEADER, naming who leads. Where nobody is known to, anybody may: the agents' fence protects. */
  requireLead(): void {
    const refused = this.#refuseNotLeading();
    if (refused !== undefined) throw new LockstepError('NOT_LEADER', { message: refused.message });
  }

  /** Starts a plan. Answers with why not, once that is known; nothing was changed then. */
  async start(
    stored: StoredPlan | undefined,
    request: { operationId: string; planSha256: string; confirmCluster: string },
    signal: AbortSignal,
  ): Promise<Refusal[]> {
    const notLeading = this.#refuseNotLeading();
    if (notLeading !== undefined) return [notLeading];
    if (stored === undefined || stored.planSha256 !== request.planSha256) {
      const known = this.records.knows(request.operationId);
      return known
        ? [refusal('OPERATION_ENDED', `${request.operationId} has been run already`)]
        : [refusal('PLAN_NOT_FOUND', `there is no plan ${request.operationId} with that digest here`)];
    }
    const plan = RestorePlan.decode(stored.planBytes);
    const refused = judgeStart(plan, stored, request.confirmCluster, this.#settings.clock.nowMs());
    if (refused.length > 0) return refused;
    if (this.#busy !== undefined) {
      return [refusal('OPERATION_IN_PROGRESS', `operation ${this.#busy} is under way`)];
    }
    if (this.records.knows(plan.operationId)) {
      return [refusal('OPERATION_ENDED', `${plan.operationId} has been run already`)];
    }
    this.#busy = plan.operationId;
    try {
      const answers = await this.#readLedgers(signal);
      const refusals = judgeSurvey(plan, answers);
      if (refusals.length > 0) {
        this.#busy = undefined;
        return refusals;
      }
      const epoch = { number: nextEpochNumber(answers), coordinatorId: this.#settings.coordinatorId };
      this.#begin(stored, newOperation(plan, epoch, this.#settings.clock.nowMs(), stored.approval));
      return [];
    } catch (thrown) {
      this.#busy = undefined;
      throw thrown;
    }
  }

  /**
   * Takes up an operation that the ledgers say is not ended, or whose end this coordinator does
   * not know. Resolves with its last state. Throws OPERATION_IN_PROGRESS where another runs.
   */
  takeOver(planBytes: Uint8Array, abort?: Failure): Promise<OperationState> {
    const plan = RestorePlan.decode(planBytes);
    // It comes from a ledger, that is from outside, and becomes the name of a journal.
    if (!isOperationId(plan.operationId)) {
      throw new LockstepError('OPERATION_NOT_FOUND', {
        message: `${JSON.stringify(plan.operationId)} is no name of an operation.`,
      });
    }
    if (this.#busy !== undefined) {
      throw new LockstepError('OPERATION_IN_PROGRESS', { message: `Operation ${this.#busy} is under way.` });
    }
    this.#busy = plan.operationId;
    const epoch = { number: 0n, coordinatorId: this.#settings.coordinatorId };
    const before = this.records.entry(plan.operationId);
    const taken = takenOverOperation(plan, epoch, this.#settings.clock.nowMs(), abort ?? whyUndone(before));
    const startedMs = before === undefined ? taken.startedMs : Number(before.operation.startedMs);
    const undoneFor = before?.log.causeOfUndo;
    const state = { ...taken, startedMs, approval: before?.operation.approval, undoneFor };
    try {
      return this.#begin({ planBytes, planSha256: sha256Hex(planBytes) }, state, before).ended;
    } catch (thrown) {
      this.#busy = undefined;
      throw thrown;
    }
  }

  /** Undo on an operator's word. Refused once commit has begun, and where another coordinator leads. */
  async abort(operationId: string, by: string, reason: string, signal: AbortSignal): Promise<Operation> {
    const words = reason === '' ? `asked for by ${by}` : `asked for by ${by}: ${reason}`;
    const failure = failureOf('ABORTED', words);
    const entry = this.records.entry(operationId);
    if (entry?.run === undefined) return this.#takeUpAgain(operationId, signal, failure);
    abortRun(entry.run, failure);
    return describeEntry(entry);
  }

  /**
   * Reads the ledgers and goes on in the right direction, whoever began it. Refused where another
   * coordinator leads.
   */
  async resume(operationId: string, signal: AbortSignal): Promise<Operation> {
    const entry = this.records.entry(operationId);
    if (entry?.run !== undefined) return describeEntry(entry);
    return this.#takeUpAgain(operationId, signal);
  }

  /** A notice in the stream of the running operation; nothing where none runs. */
  notice(code: string, message: string): void {
    this.running?.notice(code, message);
  }

  /** Stops without ending what runs. */
  async close(): Promise<void> {
    for (const entry of this.records.entries()) {
      entry.run?.close();
      entry.log.close();
    }
    await this.#settings.journal.flush();
  }

  async #takeUpAgain(operationId: string, signal: AbortSignal, abort?: Failure): Promise<Operation> {
    this.requireLead();
    const found = await this.find(operationId, signal);
    if (found === undefined) throw notFound(operationId);
    const id = found.operation.operationId;
    if (found.operation.outcome === Outcome.OUTCOME_RESTORED) {
      throw new LockstepError('OPERATION_ENDED', { message: `${id} ended as restored.` });
    }
    const open = (await this.#readLedgers(signal)).find(
      ({ ledger }) => ledger?.operationId === id && isUnended(ledger),
    )?.ledger;
    if (open === undefined) {
      throw new LockstepError('OPERATION_ENDED', { message: `No agent that answered has ${id} open.` });
    }
    const before = this.records.entry(id);
    // The leader's own rescan may have been quicker.
    if (before?.run === undefined) void this.takeOver(open.plan, abort).catch(() => undefined);
    else if (abort !== undefined) abortRun(before.run, abort);
    const entry = this.records.entry(id);
    return entry === undefined ? found.operation : describeEntry(entry);
  }

  async #readLedgers(signal: AbortSignal): Promise<SurveyAnswer[]> {
    const { agents } = this.#settings;
    const answers = await askAll(agents, (client) =>
      client.readLedger('', this.#settings.clock.deadline(LEDGER_TIMEOUT_MS, signal)),
    );
    return answers.map(({ client, result, failure }) => ({ node: client.node, ledger: result, failure }));
  }

  #begin(stored: { planBytes: Uint8Array; planSha256: string }, state: OperationState, before?: Entry): Run {
    const { agents, clock, journal, announcer } = this.#settings;
    const { operationId } = state.plan;
    const log = before?.log ?? new EventLog();
    log.reopen();
    const logger = this.#settings.logger.child({ operationId, epoch: Number(state.epoch.number) });
    const Kind = state.plan.kind === PlanKind.PLAN_KIND_REJOIN ? RejoinRun : OperationRun;
    const run: Run = new Kind({
      state,
      planBytes: stored.planBytes,
      planSha256: stored.planSha256,
      agents,
      clock,
      logger,
      publish: (event) => {
        log.append(event);
        journal.append(event);
        announcer.announce(event);
        logEvent(logger, event);
      },
    });
    const entry: Entry = {
      operationId,
      planBytes: stored.planBytes,
      planSha256: stored.planSha256,
      log,
      operation: describeOperation(state),
      report: undefined,
      run,
    };
    this.records.put(entry);
    journal.begin({ operationId, ...stored, operation: entry.operation });
    this.#begun += 1;
    void run.ended.then(
      (last) => this.#end(entry, last),
      (thrown: unknown) => this.#breakDown(entry, thrown),
    );
    run.start();
    return run;
  }

  #end(entry: Entry, last: OperationState): void {
    entry.operation = describeOperation(last);
    entry.report = reportOf(last);
    entry.run = undefined;
    entry.log.close();
    if (this.#busy === entry.operationId) this.#busy = undefined;
    if (last.stage.kind === 'ended') {
      this.#settings.journal.end(entry.operationId, entry.operation, entry.report);
    }
  }

  /** A defect. The ledgers are whole; a person, or the next start, takes the operation up. */
  #breakDown(entry: Entry, thrown: unknown): void {
    const { state } = entry.run ?? {};
    entry.operation = {
      ...(state === undefined ? entry.operation : describeOperation(state)),
      outcome: Outcome.OUTCOME_NEEDS_OPERATOR,
      endedMs: BigInt(this.#settings.clock.nowMs()),
      failure: toFailure(thrown),
    };
    entry.run = undefined;
    entry.log.close();
    if (this.#busy === entry.operationId) this.#busy = undefined;
  }

  async #latestId(signal: AbortSignal): Promise<string | undefined> {
    if (this.running !== undefined) return this.#busy;
    return (await this.listAll(signal))[0]?.operationId;
  }

  #refuseNotLeading(): Refusal | undefined {
    const { other } = this.#settings.leadership;
    if (other === undefined) return undefined;
    const at = other.address === '' ? '' : ` at ${other.address}`;
    return refusal('NOT_LEADER', `${other.coordinator} leads${at}`);
  }
}

function abortRun(run: Run, failure: Failure): void {
  if (run.state.stage.kind !== 'settle' && !mayAbort(run.state)) {
    throw new LockstepError('ALREADY_COMMITTED', {
      message: 'Commit has begun: the operation can only go forward.',
    });
  }
  run.abort(failure);
}

function notFound(operationId: string): LockstepError {
  const words = operationId === '' ? 'There is no operation.' : `There is no operation ${operationId}.`;
  return new LockstepError('OPERATION_NOT_FOUND', { message: words });
}

/** A node that comes back late is undone for the reason that the others were. */
function whyUndone(entry: Entry | undefined): Failure | undefined {
  const outcome = entry?.operation.outcome;
  const undone = outcome === Outcome.OUTCOME_ROLLED_BACK || outcome === Outcome.OUTCOME_REFUSED;
  return undone ? entry?.operation.failure : undefined;
}
