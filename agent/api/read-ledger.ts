import {
  type LedgerEffect,
  OperationState,
  type ReadLedgerResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { STATES } from '../executor/executor.ts';
import type { EffectRecord, OperationLedger } from '../ledger/records.ts';

/** One operation as the ledger holds it: the named one, else the open one, else the latest. */
export function readLedger(ledger: OperationLedger, operationId: string): ReadLedgerResponse {
  const { ledgerId, node } = ledger.identity;
  const operation =
    operationId === '' ? (ledger.openOperation() ?? ledger.latestOperation()) : ledger.operation(operationId);
  return {
    ledgerId,
    node,
    promised: ledger.promised(),
    operationId: operation?.operationId ?? '',
    state: operation === undefined ? OperationState.OPERATION_STATE_UNSPECIFIED : STATES[operation.phase],
    plan: Buffer.from(operation?.plan ?? []),
    effects: operation?.effects.map(effectOf) ?? [],
  };
}

function effectOf(effect: EffectRecord): LedgerEffect {
  return {
    sequence: BigInt(effect.sequence),
    step: effect.step,
    intendedMs: BigInt(effect.intendedMs),
    completedMs: BigInt(effect.completedMs ?? 0),
    detailJson: JSON.stringify({ intent: effect.intent, completion: effect.completion ?? null }),
    epoch: effect.epoch,
  };
}
