import type { OperationPhase } from '@lockstep/agent/core/operation.ts';
import type {
  EffectRecord,
  LedgerIdentity,
  OperationLedger,
  OperationRecord,
} from '@lockstep/agent/ledger/records.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { OPERATION, type Searched } from './plan.ts';

/** What a ledger holds: a value. Every record of the real one is synced when it is made, so all of it is durable. */
export interface LedgerData {
  readonly promised: Epoch | undefined;
  readonly held: boolean;
  readonly phase: OperationPhase;
  readonly effects: readonly EffectRecord[];
}

export const EMPTY_LEDGER: LedgerData = { promised: undefined, held: false, phase: 'open', effects: [] };

/** The executor's ledger in memory; agent/ledger/ledger.ts keeps the same rows in SQLite. */
export class MemoryLedger implements OperationLedger {
  readonly identity: LedgerIdentity;
  data: LedgerData;
  readonly #searched: Searched;
  readonly #beforeWrite: () => void;

  /** `beforeWrite` is called for each record that counts; it may throw instead of letting it be made. */
  constructor(identity: LedgerIdentity, data: LedgerData, searched: Searched, beforeWrite: () => void) {
    this.identity = identity;
    this.data = data;
    this.#searched = searched;
    this.#beforeWrite = beforeWrite;
  }

  promised(): Epoch | undefined {
    return this.data.promised;
  }

  operation(operationId: string): OperationRecord | undefined {
    return operationId === OPERATION ? this.latestOperation() : undefined;
  }

  openOperation(): OperationRecord | undefined {
    const { phase } = this.data;
    return phase === 'undone' || phase === 'closed' ? undefined : this.latestOperation();
  }

  latestOperation(): OperationRecord | undefined {
    const { held, phase, effects } = this.data;
    if (!held) return undefined;
    const { bytes, sha256 } = this.#searched;
    return { operationId: OPERATION, plan: bytes, planSha256: sha256, openedMs: 1, phase, effects };
  }

  recordPromise(epoch: Epoch, _operationId: string, plan: Uint8Array | undefined): void {
    this.#beforeWrite();
    this.data = { ...this.data, promised: epoch, held: this.data.held || plan !== undefined };
  }

  recordIntent(_operationId: string, step: EffectRecord['step'], epoch: Epoch, detail: unknown): number {
    this.#beforeWrite();
    const sequence = this.data.effects.length + 1;
    const effect: EffectRecord = {
      sequence,
      step,
      epoch,
      intendedMs: 1,
      intent: asJson(detail),
      completedMs: undefined,
      completion: undefined,
    };
    this.data = { ...this.data, effects: [...this.data.effects, effect] };
    return sequence;
  }

  recordCompletion(intent: number, detail: unknown, transition?: { phase: 'undone' | 'closed' }): void {
    this.#beforeWrite();
    this.data = {
      ...this.data,
      phase: transition?.phase ?? this.data.phase,
      effects: this.data.effects.map((effect) =>
        effect.sequence === intent ? { ...effect, completedMs: 2, completion: asJson(detail) } : effect,
      ),
    };
  }

  recordCommit(): void {
    this.#beforeWrite();
    this.data = { ...this.data, phase: 'committed' };
  }

  recordAudit(): void {}
}

/**
 * What of a ledger can matter to anyone who reads it: per step its first intent, its first
 * completion and how its last try ended. Rows that only repeat these do not tell two ledgers apart.
 */
export function ledgerKey({ promised, held, phase, effects }: LedgerData): string {
  const steps = new Map<number, { intent: string; completion: string; last: boolean }>();
  for (const { step, intent, completedMs, completion } of effects) {
    const done = completedMs !== undefined;
    const known = steps.get(step);
    if (known === undefined) {
      steps.set(step, {
        intent: JSON.stringify(intent),
        completion: done ? JSON.stringify(completion) : '-',
        last: done,
      });
    } else {
      if (done && known.completion === '-') known.completion = JSON.stringify(completion);
      known.last = done;
    }
  }
  const rows = [...steps]
    .sort(([a], [b]) => a - b)
    .map(([step, { intent, completion, last }]) => `${step}${last ? '+' : '-'}${intent}${completion}`);
  return `${epochKey(promised)} ${held ? phase : 'none'} ${rows.join('|')}`;
}

export function epochKey(epoch: Epoch | undefined): string {
  return epoch === undefined ? '0' : `${epoch.number}${epoch.coordinatorId}`;
}

export function diskFull(): LockstepError {
  return new LockstepError('DISK_FULL', { message: 'a fault of the search' });
}

/** As the real ledger keeps it: 64-bit numbers as text. */
function asJson(detail: unknown): unknown {
  return JSON.parse(
    JSON.stringify(detail ?? null, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
  );
}
