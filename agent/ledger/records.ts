import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationPhase, RunnableStep } from '../core/operation.ts';

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
