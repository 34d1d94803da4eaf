import { isEnded, type OperationPhase, type RunnableStep } from '@lockstep/agent/core/operation.ts';
import type {
  AuditRecord,
  EffectRecord,
  LedgerIdentity,
  OperationLedger,
  OperationRecord,
} from '@lockstep/agent/ledger/records.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';

/** What a ledger holds on disk: every record is there whole or not at all. */
export interface LedgerRecords {
  readonly identity: LedgerIdentity;
  promised: Epoch | undefined;
  operation: OperationRecord | undefined;
  /** Of records that say something; the audit's are not counted. */
  count: number;
  /** As it was after each record, for a ledger that is set back. Objects are never changed once here. */
  readonly past: { promised: Epoch | undefined; operation: OperationRecord | undefined }[];
}

export function emptyLedger(ledgerId: string, node: string, cluster: string): LedgerRecords {
  const identity = { ledgerId, node, cluster };
  return { identity, promised: undefined, operation: undefined, count: 0, past: [] };
}

/** Sets the records back by this many. */
export function rewind(records: LedgerRecords, by: number): void {
  const left = Math.max(0, records.past.length - by);
  records.past.length = left;
  const last = records.past.at(-1);
  records.promised = last?.promised;
  records.operation = last?.operation;
}

/** Around each record: may throw, or end the process before or after it. */
export interface RecordGate {
  /** False: the process is no more, nothing happens. */
  before(what: string): boolean;
  after(what: string): void;
}

/** As a ledger on disk gives it back: 64-bit numbers are text. */
function plain(detail: unknown): unknown {
  if (detail === undefined || detail === null) return null;
  return JSON.parse(
    JSON.stringify(detail, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
  ) as unknown;
}

const shas = new WeakMap<Uint8Array, string>();

/** The agent's ledger in memory, as one run of the agent has it open. */
export class MemoryLedger implements OperationLedger {
  readonly #records: LedgerRecords;
  readonly #gate: RecordGate;
  readonly #nowMs: () => number;
  /** What is at work from now on: a step's effects, or nothing's. */
  readonly #atWork: (step: RunnableStep | undefined, epoch: Epoch | undefined) => void;

  constructor(
    records: LedgerRecords,
    gate: RecordGate,
    nowMs: () => number,
    atWork: (step: RunnableStep | undefined, epoch: Epoch | undefined) => void,
  ) {
    this.#records = records;
    this.#gate = gate;
    this.#nowMs = nowMs;
    this.#atWork = atWork;
  }

  get identity(): LedgerIdentity {
    return this.#records.identity;
  }

  promised(): Epoch | undefined {
    return this.#records.promised;
  }

  operation(operationId: string): OperationRecord | undefined {
    const { operation } = this.#records;
    return operation?.operationId === operationId ? operation : undefined;
  }

  openOperation(): OperationRecord | undefined {
    const { operation } = this.#records;
    return operation === undefined || isEnded(operation.phase) ? undefined : operation;
  }

  latestOperation(): OperationRecord | undefined {
    return this.#records.operation;
  }

  recordPromise(epoch: Epoch, operationId: string, plan: Uint8Array | undefined): void {
    this.#record('promise', () => {
      const records = this.#records;
      records.promised = epoch;
      if (plan === undefined) return;
      records.operation = {
        operationId,
        plan,
        planSha256: shaOf(plan),
        openedMs: this.#nowMs(),
        phase: 'open',
        effects: [],
      };
    });
  }

  recordIntent(operationId: string, step: RunnableStep, epoch: Epoch, detail: unknown): number {
    let sequence = 0;
    this.#record('intent', () => {
      const operation = this.#held(operationId);
      sequence = operation.effects.length + 1;
      const effect: EffectRecord = {
        sequence,
        step,
        epoch,
        intendedMs: this.#nowMs(),
        intent: plain(detail),
        completedMs: undefined,
        completion: undefined,
      };
      this.#records.operation = { ...operation, effects: [...operation.effects, effect] };
    });
    this.#atWork(step, epoch);
    return sequence;
  }

  recordCompletion(
    intent: number,
    detail: unknown,
    transition?: { operationId: string; phase: 'undone' | 'closed'; epoch: Epoch },
  ): void {
    this.#record('completion', () => {
      const { operation } = this.#records;
      if (operation === undefined) throw new Error('a completion without an operation');
      const effects = operation.effects.map((effect) =>
        effect.sequence === intent
          ? { ...effect, completedMs: this.#nowMs(), completion: plain(detail) }
          : effect,
      );
      this.#records.operation = { ...operation, effects, phase: transition?.phase ?? operation.phase };
    });
    this.#atWork(undefined, undefined);
  }

  recordCommit(operationId: string, _epoch: Epoch): void {
    this.#record('commit', () => this.#phase(operationId, 'committed'));
  }

  /** Says nothing that anybody decides by; it is the last that a command does. */
  recordAudit({ command, outcome }: Omit<AuditRecord, 'atMs'>): void {
    if (command.startsWith('Execute') && outcome !== 'EFFECT_IN_FLIGHT') this.#atWork(undefined, undefined);
  }

  #phase(operationId: string, phase: OperationPhase): void {
    this.#records.operation = { ...this.#held(operationId), phase };
  }

  #held(operationId: string): OperationRecord {
    const held = this.operation(operationId);
    if (held === undefined) throw new Error(`a record of ${operationId}, which is not held`);
    return held;
  }

  #record(what: string, write: () => void): void {
    if (!this.#gate.before(what)) throw ENDED;
    write();
    const records = this.#records;
    records.count += 1;
    records.past.push({ promised: records.promised, operation: records.operation });
    this.#gate.after(what);
  }
}

/** Thrown into a process that is no more, so that its code goes no further; nobody sees it. */
export const ENDED = new Error('this process has ended');

function shaOf(plan: Uint8Array): string {
  let sha = shas.get(plan);
  if (sha === undefined) {
    sha = sha256Hex(plan);
    shas.set(plan, sha);
  }
  return sha;
}
