import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Operation, OperationReport } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describeOperation, reportOf } from '../core/report.ts';
import { EventLog } from './event-log.ts';
import type { Run } from './operation-run.ts';
import type { Journal } from './ports.ts';

/** One operation on record here, run by this coordinator or not. */
export interface Entry {
  readonly operationId: string;
  readonly planBytes: Uint8Array;
  readonly planSha256: string;
  readonly log: EventLog;
  operation: Operation;
  report: OperationReport | undefined;
  /** Undefined where it does not run here now. */
  run: Run | undefined;
}

/** An operation as it is answered to an operator. */
export interface KnownOperation {
  readonly operation: Operation;
  readonly plan: RestorePlan;
  readonly planSha256: string;
  readonly report: OperationReport | undefined;
}

const FINAL: ReadonlySet<Outcome> = new Set([
  Outcome.OUTCOME_RESTORED,
  Outcome.OUTCOME_ROLLED_BACK,
  Outcome.OUTCOME_REFUSED,
]);

/** What this coordinator has on record: its journal, and what it runs. Nothing is decided by it alone. */
export class OperationRecords {
  readonly #entries = new Map<string, Entry>();

  async load(journal: Journal, signal: AbortSignal): Promise<void> {
    for (const record of await journal.load(signal)) {
      const log = new EventLog(record.events);
      log.close();
      this.#entries.set(record.operationId, { ...record, log, run: undefined });
    }
  }

  put(entry: Entry): void {
    this.#entries.set(entry.operationId, entry);
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Empty id: the latest. Undefined where it is not on record. */
  entry(operationId: string): Entry | undefined {
    if (operationId !== '') return this.#entries.get(operationId);
    const latest = this.list()[0]?.operationId;
    return latest === undefined ? undefined : this.#entries.get(latest);
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

  /** It runs here, or ended here in a way that nobody can change. */
  isCurrent(operationId: string): boolean {
    const entry = this.#entries.get(operationId);
    if (entry === undefined) return false;
    return entry.run !== undefined || FINAL.has(entry.operation.outcome);
  }

  list(): Operation[] {
    return [...this.#entries.values()].map(describeEntry).sort(newestFirst);
  }

  /** Empty id: the latest. Undefined where it is not on record. */
  get(operationId: string): KnownOperation | undefined {
    const entry = this.entry(operationId);
    if (entry === undefined) return undefined;
    return {
      operation: describeEntry(entry),
      plan: RestorePlan.decode(entry.planBytes),
      planSha256: entry.planSha256,
      report: entry.run === undefined ? entry.report : reportOf(entry.run.state),
    };
  }
}

export function describeEntry({ run, operation }: Entry): Operation {
  return run === undefined ? operation : describeOperation(run.state);
}

export function newestFirst(a: Operation, b: Operation): number {
  return Number(b.startedMs - a.startedMs);
}
