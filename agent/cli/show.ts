import { epochText } from '../core/epoch.ts';
import { STEP_NAMES } from '../core/operation.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OperationRecord } from '../ledger/records.ts';

/** Who this node is, and how its latest operation stands. */
export function statusLines(ledger: Ledger, operation: OperationRecord | undefined): string[] {
  const { node, cluster, ledgerId } = ledger.identity;
  const lines = [
    `node       ${node} (cluster ${cluster})`,
    `ledger     ${ledgerId}`,
    `promised   ${epochText(ledger.promised())}`,
  ];
  if (operation === undefined) return [...lines, 'operation  none'];
  const last = operation.effects.at(-1);
  return [
    ...lines,
    `operation  ${operation.operationId}: ${operation.phase}`,
    `last step  ${last === undefined ? 'none' : `${STEP_NAMES[last.step]}, ${last.completedMs === undefined ? 'begun and not completed' : 'completed'}`}`,
  ];
}

/** Every record of one operation, and who commanded what. */
export function ledgerLines(ledger: Ledger, operation: OperationRecord): string[] {
  return [
    `operation  ${operation.operationId}: ${operation.phase}`,
    `plan       sha256 ${operation.planSha256}, ${operation.plan.length} bytes`,
    '',
    'EFFECTS',
    ...operation.effects.map((effect) =>
      [
        String(effect.sequence).padStart(4),
        timeText(effect.intendedMs),
        effect.completedMs === undefined ? 'not completed'.padEnd(24) : timeText(effect.completedMs),
        STEP_NAMES[effect.step].padEnd(22),
        `epoch ${epochText(effect.epoch)}`,
      ].join('  '),
    ),
    '',
    'COMMANDS',
    ...ledger
      .audit(operation.operationId)
      .map((entry) =>
        [timeText(entry.atMs), entry.command.padEnd(30), entry.outcome.padEnd(20), entry.caller].join('  '),
      ),
  ];
}

/** For programs: the same, whole. */
export function ledgerJson(ledger: Ledger, operation: OperationRecord | undefined): object {
  return {
    ...ledger.identity,
    promised: ledger.promised(),
    operation:
      operation === undefined
        ? null
        : {
            operationId: operation.operationId,
            phase: operation.phase,
            planSha256: operation.planSha256,
            effects: operation.effects.map((effect) => ({ ...effect, step: STEP_NAMES[effect.step] })),
            audit: ledger.audit(operation.operationId),
          },
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
