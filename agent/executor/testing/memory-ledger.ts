import { sha256Hex } from '@lockstep/shared/digest.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { isEnded, type OperationPhase, type RunnableStep } from '../../core/operation.ts';
import type {
  AuditRecord,
  EffectRecord,
  LedgerIdentity,
  OperationLedger,
  OperationRecord,
} from '../../ledger/records.ts';

/** A ledger of one operation that forgets with the process; `written` says in what order it was written. */
export class MemoryLedger implements OperationLedger {
  readonly identity: LedgerIdentity = { ledgerId: 'L', node: 'cp1', cluster: 'lab' };
  readonly written: string[] = [];
  readonly audits: Omit<AuditRecord, 'atMs'>[] = [];
  #promised: Epoch | undefined;
  #operation: { operationId: string; plan: Uint8Array; phase: OperationPhase } | undefined;
  #effects: EffectRecord[] = [];

  promised(): Epoch | undefined {
    return this.#promised;
  }

  operation(operationId: string): OperationRecord | undefined {
    const latest = this.latestOperation();
    return latest?.operationId === operationId ? latest : undefined;
  }

  openOperation(): OperationRecord | undefined {
    const latest = this.latestOperation();
    return latest === undefined || isEnded(latest.phase) ? undefined : latest;
  }

  latestOperation(): OperationRecord | undefined {
    if (this.#operation === undefined) return undefined;
    const { plan } = this.#operation;
    return { ...this.#operation, planSha256: sha256Hex(plan), openedMs: 1, effects: [...this.#effects] };
  }

  recordPromise(epoch: Epoch, operationId: string, plan: Uint8Array | undefined): void {
    this.written.push(`promise ${epoch.number}${plan === undefined ? '' : ', plan'}`);
    this.#promised = epoch;
    if (plan !== undefined) this.#operation = { operationId, plan, phase: 'open' };
  }

  recordIntent(_operationId: string, step: RunnableStep, epoch: Epoch, intent: unknown): number {
    this.written.push(`intent ${step}`);
    const sequence = this.#effects.length + 1;
    const unended = { completedMs: undefined, completion: undefined };
    this.#effects.push({ sequence, step, epoch, intendedMs: 1, intent, ...unended });
    return sequence;
  }

  recordCompletion(intent: number, completion: unknown, transition?: { phase: 'undone' | 'closed' }): void {
    this.written.push(`completion ${intent}${transition === undefined ? '' : `, ${transition.phase}`}`);
    this.#effects = this.#effects.map((each) =>
      each.sequence === intent ? { ...each, completedMs: 2, completion } : each,
    );
    if (transition !== undefined) this.#end(transition.phase);
  }

  recordCommit(): void {
    this.written.push('commit');
    this.#end('committed');
  }

  recordAudit(record: Omit<AuditRecord, 'atMs'>): void {
    this.audits.push(record);
  }

  #end(phase: OperationPhase): void {
    if (this.#operation !== undefined) this.#operation = { ...this.#operation, phase };
  }
}
