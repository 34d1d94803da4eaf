import type { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { FaultKind, FaultScript } from './faults.ts';
import type { WorldView } from './view.ts';

export interface RunOptions {
  /** Called after every event; what it throws ends the operation as a violation. */
  readonly check: (world: WorldView) => void;
}

export interface OperationResult {
  readonly seed: bigint;
  /** As it was run: the seed's own where none was given. Replays exactly with the seed. */
  readonly script: FaultScript;
  readonly events: number;
  readonly simulatedMs: number;
  readonly outcome: Outcome | undefined;
  /** Of the failure that the outcome names, or empty. */
  readonly code: string;
  /** Faults that took place, and in which phase. */
  readonly faults: readonly { readonly kind: FaultKind; readonly phase: Phase }[];
  /** "forward.6 -> undo.0", in order, of all coordinators. */
  readonly transitions: readonly string[];
  readonly violation: { readonly message: string; readonly event: number } | undefined;
}

/**
 * One operation, start to end, in a world made from the seed. Deterministic: the same seed and
 * script give the same events. Where no script is given, one is derived from the seed; a given
 * one replaces it, and the seed then decides everything else.
 */
export type RunOperation = (
  input: bigint | { readonly seed: bigint; readonly script: FaultScript },
  options: RunOptions,
) => Promise<OperationResult>;
