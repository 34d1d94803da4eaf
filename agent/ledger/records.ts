import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationPhase, OperationView, RunnableStep } from '../core/operation.ts';

/** One intent and, where it came to that, its completion. Details are JSON of the step's own. */
export interface EffectRecord {
  readonly sequence: number;
  readonly step: RunnableStep;
  readonly epoch: Epoch;
  readonly intendedMs: number;
  /** What was observed before the effect, such as both inodes of a swap. */
  readonly intent: unknown;
  /** Undefined: never completed. */
  readonly completedMs: number | undefined;
  readonly completion: unknown;
}

export interface OperationRecord {
  readonly operationId: string;
  readonly plan: Uint8Array;
  readonly planSha256: string;
  readonly openedMs: number;
  readonly phase: OperationPhase;
  readonly effects: readonly EffectRecord[];
}

export interface AuditRecord {
  /** "lockstep://lab/coordinator/coordinator-1", or "local:root". */
  readonly caller: string;
  /** "Promise", "Execute STEP_SWAP", "Commit". */
  readonly command: string;
  readonly operationId: string;
  readonly epoch: Epoch | undefined;
  /** "done", or an error code. */
  readonly outcome: string;
  readonly atMs: number;
}

export interface LedgerIdentity {
  readonly ledgerId: string;
  readonly node: string;
  readonly cluster: string;
}

/**
 * The ledger as the executor uses it. Whatever records has synced when it returns; what cannot be
 * recorded throws, and nothing of it is there then.
 */
export interface OperationLedger {
  readonly identity: LedgerIdentity;
  /** The epoch promised last, or undefined. */
  promised(): Epoch | undefined;
  operation(operationId: string): OperationRecord | undefined;
  /** The operation that has not ended, of which there is at most one: it is always the latest. */
  openOperation(): OperationRecord | undefined;
  latestOperation(): OperationRecord | undefined;
  recordPromise(epoch: Epoch, operationId: string, plan: Uint8Array | undefined): void;
  /** Returns the sequence that `recordCompletion` takes. */
  recordIntent(operationId: string, step: RunnableStep, epoch: Epoch, detail: unknown): number;
  /** `transition`: ends the operation in the same transaction. */
  recordCompletion(
    intent: number,
    detail: unknown,
    transition?: { operationId: string; phase: 'undone' | 'closed'; epoch: Epoch },
  ): void;
  recordCommit(operationId: string, epoch: Epoch): void;
  recordAudit(record: Omit<AuditRecord, 'atMs'>): void;
}

/** What the pure core judges, from what the ledger holds. */
export function viewOf(record: OperationRecord): OperationView {
  return {
    operationId: record.operationId,
    planSha256: record.planSha256,
    phase: record.phase,
    intended: new Set(record.effects.map((effect) => effect.step)),
    completed: new Set(
      record.effects.filter((effect) => effect.completedMs !== undefined).map((effect) => effect.step),
    ),
  };
}
