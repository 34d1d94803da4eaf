import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Operation, OperationReport } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { phaseName } from '../../core/phases.ts';
import { outcomeWord } from '../render/words.ts';

/** Messages of the contract for `-o json`: its numbers for phases and outcomes become words. */
export function operationView(operation: Operation): object {
  return {
    ...operation,
    phase: phaseName(operation.phase),
    outcome: outcomeWord(operation.outcome),
    nodes: operation.nodes.map((node) => ({ ...node, phase: phaseName(node.phase) })),
  };
}

export function reportView(report: OperationReport): object {
  return {
    ...report,
    phases: report.phases.map(({ phase, durationMs }) => ({ name: phaseName(phase), ms: durationMs })),
  };
}

/** One line of `restore watch -o json`; like every document it says how things stand. */
export function eventView({ operationId, sequence, atMs, event }: OperationEvent): Record<string, unknown> {
  const base = { outcome: 'running', code: '', operationId, sequence, atMs };
  switch (event?.$case) {
    case 'phaseStarted':
      return { type: 'phase-started', ...base, phase: phaseName(event.value.phase) };
    case 'phaseEnded':
      return {
        type: 'phase-ended',
        ...base,
        phase: phaseName(event.value.phase),
        ms: event.value.durationMs,
      };
    case 'nodeProgress':
      return { type: 'node-progress', ...base, ...event.value, phase: phaseName(event.value.phase) };
    case 'nodeFailed':
      return { type: 'node-failed', ...base, ...event.value, phase: phaseName(event.value.phase) };
    case 'undoStarted': {
      const { fromPhase, cause } = event.value;
      return { type: 'undo-started', ...base, fromPhase: phaseName(fromPhase), cause };
    }
    case 'operationEnded': {
      const { outcome, failure } = event.value;
      const code = failure?.code ?? '';
      return { type: 'operation-ended', ...base, outcome: outcomeWord(outcome), code, failure };
    }
    case 'notice':
      return { type: 'notice', ...base, ...event.value, code: '', notice: event.value.code };
    default:
      return { type: 'unknown', ...base };
  }
}
