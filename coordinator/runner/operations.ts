import type { Clock } from '@lockstep/shared/clock.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch, Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Operation, OperationReport } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { isOperationId } from '@lockstep/shared/ids.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { judgeApproval } from '../core/approval.ts';
import { isSameCoordinator } from '../core/coordinator-run.ts';
import { failureOf } from '../core/failures.ts';
import { describeOperation, reportOf } from '../core/report.ts';
import { isSetAside } from '../core/set-aside.ts';
import { mayAbort, newOperation, type OperationState, takenOverOperation } from '../core/state.ts';
import { EventLog } from './event-log.ts';
import { askAll } from './inventory.ts';
import { LedgerObserver } from './ledger-observer.ts';
import { OperationRun } from './operation-run.ts';
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

/** What carries an operation out, whatever its kind. */
export type Run = Pick<OperationRun, 'state' | 'ended' | 'start' | 'abort' | 'notice' | 'close'>;

interface Entry {
  readonly operationId: string;
  readonly planBytes: Uint8Array;
  readonly planSha256: string;
  readonly log: EventLog;
  operation: Operation;
  report: OperationReport | undefined;
  run: Run | undefined;
}

/** An operation as it is answered to an operator. */
export interface KnownOperation {
  readonly operation: Operation;
  readonly plan: RestorePlan;
  readonly planSha256: string;
  readonly report: OperationReport | undefined;
}

/** The operations of one cluster: at most one of them runs. */
export class Operations {
  readonly #settings: OperationsSettings;
  readonly #observer: LedgerObserver;
  readonly #entries = new Map<string, Entry>();
  /** Set between the decision to start and the end: the answer to two requests at once. */
  #busy: string | undefined;
  #begun = 0;

  constructor(settings: OperationsSettings) {
    this.#settings = settings;
    this.#observer = new LedgerObserver(settings.agents, settings.clock);
  }

  async load(signal: AbortSignal): Promise<void> {
    for (const record of await this.#settings.journal.load(signal)) {
      this.#entries.set(record.operationId, {
        ...record,
        log: closedLog(record.events),
        run: undefined,
      });
    }
  }

  get running(): Run | undefined {
    return this.#busy === undefined ? undefined : this.#entries.get(this.#busy)?.run;
  }

  get isBusy(): boolean {
    return this.#busy !== undefined;
  }

  /** How many operations this run of the program has begun or taken up. */
  get begun(): number {
    return this.#begun;
  }

  /** True where this coordinator has the operation on record. */
  knows(operationId: string): boolean {
    return this.#entries.has(operationId);
  }

  /** The plan of an operation on record here that has no end and that nobody runs; undefined where there is none. */
  leftOpen(): { readonly operationId: string; readonly planBytes: Uint8Array } | undefined {
    return [...this.#entries.values()].find(
      ({ operation, run }) => run === undefined && operation.outcome === Outcome.OUTCOME_UNSPECIFIED,
    );
  }

  /** True where this coordinator has an operation on record and knows how it ended. */
  knowsEnd(operationId: string): boolean {
    const entry = this.#entries.get(operationId);
    return entry !== undefined && entry.operation.outcome !== Outcome.OUTCOME_UNSPECIFIED;
  }

  /**
   * True where it ended for a person to go on with, in this run of the program or an earlier one;
   * not where a ledger has promised more since: somebody went on, and what is on record here is old.
   */
  waitsForPerson(operationId: string, promised?: Epoch): boolean {
    const entry = this.#entries.get(operationId);
    if (entry?.report === undefined) return false;
    const { outcome, epoch } = entry.operation;
    return outcome === Outcome.OUTCOME_NEEDS_OPERATOR && (promised?.number ?? 0n) <= (epoch?.number ?? 0n);
  }

  /** True where this run of the program, or one before it, is the last that the ledger promised to obey. */
  isCommandedHere({ promised }: ReadLedgerResponse): boolean {
    return promised !== undefined && isSameCoordinator(promised.coordinatorId, this.#settings.coordinatorId);
  }

  list(): Operation[] {
    return [...this.#entries.values()]
      .map((entry) => this.#describe(entry))
      .sort((a, b) => Number(b.startedMs - a.startedMs));
  }

  /** Empty id: the latest. Undefined where it is not on record. */
  get(operationId: string): KnownOperation | undefined {
    const entry = this.#find(operationId);
    if (entry === undefined) return undefined;
    return {
      operation: this.#describe(entry),
      plan: RestorePlan.decode(entry.planBytes),
      planSha256: entry.planSha256,
      report: entry.run === undefined ? entry.report : reportOf(entry.run.state),
    };
  }

  /** As `list`, and what the agents' ledgers hold that is not on record here, or went on without this coordinator. */
  async listAll(signal: AbortSignal): Promise<Operation[]> {
    const observed = await this.#observer.latest(signal);
    const all = new Map(this.list().map((each) => [each.operationId, each]));
    for (const each of observed) {
      if (!this.#isCurrent(each.operation.operationId)) all.set(each.operation.operationId, each.operation);
    }
    return [...all.values()].sort((a, b) => Number(b.startedMs - a.startedMs));
  }

  /** As `get`, of the agents' ledgers where this coordinator does not know. Undefined where nobody does. */
  async find(operationId: string, signal: AbortSignal): Promise<KnownOperation | undefined> {
    const wanted = operationId === '' ? await this.#latestId(signal) : operationId;
    if (wanted === undefined) return undefined;
    const own = this.get(wanted);
    if (this.#isCurrent(wanted)) return own;
    const observed = await this.#observer.observe(wanted, signal);
    // A person's word is waited for until the ledgers say that somebody went on.
    const waits = own !== undefined && this.waitsForPerson(wanted);
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
    const entry = this.#find(operationId);
    if (entry !== undefined) yield* entry.log.watch(fromSequence, signal);
    if (entry !== undefined && this.#isCurrent(entry.operationId)) return;
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
      const known = this.#entries.has(request.operationId);
      return known
        ? [refusal('OPERATION_ENDED', `${request.operationId} has been run already`)]
        : [refusal('PLAN_NOT_FOUND', `there is no plan ${request.operationId} with that digest here`)];
    }
    const plan = RestorePlan.decode(stored.planBytes);
    if (request.confirmCluster !== plan.cluster) {
      const words = `"${request.confirmCluster}" was confirmed; the plan is of cluster ${plan.cluster}`;
      return [refusal('CONFIRMATION_MISMATCH', words)];
    }
    if (stored.refusals.length > 0) return [...stored.refusals];
    if (this.#settings.clock.nowMs() > Number(plan.expiresMs)) {
      return [
        refusal('PLAN_EXPIRED', `the plan expired at ${new Date(Number(plan.expiresMs)).toISOString()}`),
      ];
    }
    const unapproved = judgeApproval(plan, stored.planSha256, stored.approval);
    if (unapproved.length > 0) return unapproved;
    if (this.#busy !== undefined) {
      return [refusal('OPERATION_IN_PROGRESS', `operation ${this.#busy} is under way`)];
    }
    if (this.#entries.has(plan.operationId)) {
      return [refusal('OPERATION_ENDED', `${plan.operationId} has been run already`)];
    }
    this.#busy = plan.operationId;
    try {
      const { refusals, highestPromise } = await this.#surveyForStart(plan, signal);
      if (refusals.length > 0) {
        this.#busy = undefined;
        return refusals;
      }
      const epoch = { number: highestPromise + 1n, coordinatorId: this.#settings.coordinatorId };
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
    const before = this.#entries.get(plan.operationId);
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
    const entry = this.#find(operationId);
    if (entry?.run === undefined) return this.#takeUpAgain(operationId, signal, failure);
    abortRun(entry.run, failure);
    return this.#describe(entry);
  }

  /**
   * Reads the ledgers and goes on in the right direction, whoever began it. Refused where another
   * coordinator leads.
   */
  async resume(operationId: string, signal: AbortSignal): Promise<Operation> {
    const entry = this.#find(operationId);
    if (entry?.run !== undefined) return this.#describe(entry);
    return this.#takeUpAgain(operationId, signal);
  }

  /** A notice in the stream of the running operation; nothing where none runs. */
  notice(code: string, message: string): void {
    this.running?.notice(code, message);
  }

  /** Stops without ending what runs. */
  async close(): Promise<void> {
    for (const entry of this.#entries.values()) {
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
    const before = this.#entries.get(id);
    // The leader's own rescan may have been quicker.
    if (before?.run === undefined) void this.takeOver(open.plan, abort).catch(() => undefined);
    else if (abort !== undefined) abortRun(before.run, abort);
    const entry = this.#entries.get(id);
    return entry === undefined ? found.operation : this.#describe(entry);
  }

  /**
   * Every known agent must answer, hold nothing open, and say what it has promised; of those left
   * out none may, unless it was set aside before.
   */
  async #surveyForStart(
    plan: RestorePlan,
    signal: AbortSignal,
  ): Promise<{ refusals: Refusal[]; highestPromise: bigint }> {
    const answers = await this.#readLedgers(signal);
    const leftOut = new Set(plan.leftOut.map(({ node }) => node));
    const refusals = answers.flatMap(({ node, ledger, failure }): Refusal[] => {
      if (leftOut.has(node)) {
        if (ledger === undefined || isSetAside(ledger)) return [];
        return [refusal('LEFT_OUT_ALIVE', `the agent of ${node} answers again`, node)];
      }
      if (ledger === undefined) {
        return [refusal('NODE_MISSING', `${node} did not answer: ${failure?.message ?? ''}`, node)];
      }
      if (!isUnended(ledger)) return [];
      return [refusal('OPERATION_IN_PROGRESS', `operation ${ledger.operationId} is open on ${node}`, node)];
    });
    for (const { node } of plan.nodes) {
      if (!answers.some((each) => each.node === node)) {
        refusals.push(refusal('NODE_MISSING', `${node} is in the plan and not known any more`, node));
      }
    }
    const promises = answers.map(({ ledger }) => ledger?.promised?.number ?? 0n);
    return { refusals, highestPromise: promises.reduce((a, b) => (a > b ? a : b), 0n) };
  }

  async #readLedgers(
    signal: AbortSignal,
  ): Promise<{ node: string; ledger: ReadLedgerResponse | undefined; failure: Failure | undefined }[]> {
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
    this.#entries.set(operationId, entry);
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

  #describe(entry: Entry): Operation {
    return entry.run === undefined ? entry.operation : describeOperation(entry.run.state);
  }

  #find(operationId: string): Entry | undefined {
    if (operationId !== '') return this.#entries.get(operationId);
    const latest = this.list()[0]?.operationId;
    return latest === undefined ? undefined : this.#entries.get(latest);
  }

  async #latestId(signal: AbortSignal): Promise<string | undefined> {
    if (this.running !== undefined) return this.#busy;
    return (await this.listAll(signal))[0]?.operationId;
  }

  /** It runs here, or ended here in a way that nobody can change. */
  #isCurrent(operationId: string): boolean {
    const entry = this.#entries.get(operationId);
    if (entry === undefined) return false;
    return entry.run !== undefined || FINAL.has(entry.operation.outcome);
  }

  #refuseNotLeading(): Refusal | undefined {
    const { other } = this.#settings.leadership;
    if (other === undefined) return undefined;
    const at = other.address === '' ? '' : ` at ${other.address}`;
    return refusal('NOT_LEADER', `${other.coordinator} leads${at}`);
  }
}

const FINAL: ReadonlySet<Outcome> = new Set([
  Outcome.OUTCOME_RESTORED,
  Outcome.OUTCOME_ROLLED_BACK,
  Outcome.OUTCOME_REFUSED,
]);

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

/** Open or committed: somebody must finish it. */
export function isUnended(ledger: ReadLedgerResponse): boolean {
  return (
    ledger.operationId !== '' &&
    (ledger.state === LedgerState.OPERATION_STATE_OPEN ||
      ledger.state === LedgerState.OPERATION_STATE_COMMITTED)
  );
}

/** A node that comes back late is undone for the reason that the others were. */
function whyUndone(entry: Entry | undefined): Failure | undefined {
  const outcome = entry?.operation.outcome;
  const undone = outcome === Outcome.OUTCOME_ROLLED_BACK || outcome === Outcome.OUTCOME_REFUSED;
  return undone ? entry?.operation.failure : undefined;
}

function closedLog(events: readonly OperationEvent[]): EventLog {
  const log = new EventLog(events);
  log.close();
  return log;
}

function logEvent(logger: Logger, { event, sequence }: OperationEvent): void {
  if (event === undefined) return;
  if (event.$case === 'nodeProgress' && !event.value.done) return;
  if (!logger.isLevelEnabled('info')) return;
  logger.info({ sequence: Number(sequence), [event.$case]: loggable(event.value) }, 'operation event');
}

/** bigint has no JSON of its own. */
function loggable(value: object): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)),
  );
}
