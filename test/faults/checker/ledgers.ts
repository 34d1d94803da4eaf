import { DatabaseSync } from 'node:sqlite';
import { type CheckedNode, hostPaths } from './checked-lab.ts';

type Row = Record<string, unknown>;

/** Step numbers of the contract that the checks below speak of. */
const FENCE_ETCD = 6;
const BUSY_TIMEOUT_MS = 5_000;

export interface LedgerRows {
  readonly promises: readonly { number: number; coordinator: string; atMs: number }[];
  readonly operations: readonly string[];
  readonly transitions: readonly { operationId: string; phase: string; atMs: number }[];
  readonly intents: readonly {
    sequence: number;
    operationId: string;
    step: number;
    number: number;
    coordinator: string;
    atMs: number;
    /** Undefined: never completed. */
    completedMs: number | undefined;
  }[];
}

/** The ledger's rows, read from its file as SQLite stores it. Throws where it cannot be read. */
export function readLedger(node: CheckedNode): LedgerRows {
  const database = new DatabaseSync(node.path(hostPaths.ledger), {
    readOnly: true,
    timeout: BUSY_TIMEOUT_MS,
  });
  try {
    const all = (sql: string): Row[] => database.prepare(sql).all();
    return {
      promises: all('SELECT number, coordinator_id, at_ms FROM promise ORDER BY sequence').map((row) => ({
        number: Number(row['number']),
        coordinator: String(row['coordinator_id']),
        atMs: Number(row['at_ms']),
      })),
      operations: all('SELECT operation_id FROM operation ORDER BY sequence').map((row) =>
        String(row['operation_id']),
      ),
      transitions: all('SELECT operation_id, phase, at_ms FROM transition ORDER BY sequence').map((row) => ({
        operationId: String(row['operation_id']),
        phase: String(row['phase']),
        atMs: Number(row['at_ms']),
      })),
      intents: all(
        `SELECT intent.*, completion.at_ms AS completed_ms FROM intent
         LEFT JOIN completion ON completion.intent = intent.sequence ORDER BY intent.sequence`,
      ).map((row) => ({
        sequence: Number(row['sequence']),
        operationId: String(row['operation_id']),
        step: Number(row['step']),
        number: Number(row['epoch_number']),
        coordinator: String(row['epoch_coordinator']),
        atMs: Number(row['at_ms']),
        completedMs: row['completed_ms'] === null ? undefined : Number(row['completed_ms']),
      })),
    };
  } finally {
    database.close();
  }
}

export function phasesOf(rows: LedgerRows, operationId: string): string[] {
  return rows.transitions.filter((each) => each.operationId === operationId).map(({ phase }) => phase);
}

/** When the last fence of an operation was complete: from then on nothing may write to OLD. */
export function fencedAtMs(rows: LedgerRows, operationId: string): number | undefined {
  return rows.intents.findLast(
    (each) => each.operationId === operationId && each.step === FENCE_ETCD && each.completedMs !== undefined,
  )?.completedMs;
}

/** What contradicts the fence, whatever the operation's end. */
export function fenceViolations(rows: LedgerRows): string[] {
  const found: string[] = [];
  for (const [index, promise] of rows.promises.entries()) {
    const before = rows.promises[index - 1];
    if (before === undefined) continue;
    const isGreater =
      promise.number > before.number ||
      (promise.number === before.number && promise.coordinator > before.coordinator);
    if (!isGreater) {
      found.push(
        `promised ${promise.number}/${promise.coordinator} after ${before.number}/${before.coordinator}`,
      );
    }
  }
  for (const intent of rows.intents) {
    // Rows of one millisecond tell no order: any promise of that instant counts as the last one.
    const last = rows.promises.findLast(({ atMs }) => atMs < intent.atMs);
    const instant = rows.promises.filter(({ atMs }) => atMs === intent.atMs);
    const obeyed = [...(last === undefined ? [] : [last]), ...instant].some(
      (promise) => promise.number === intent.number && promise.coordinator === intent.coordinator,
    );
    if (!obeyed) {
      found.push(
        `step ${intent.step} was begun under ${intent.number}/${intent.coordinator}, which was not the epoch promised last`,
      );
    }
  }
  for (const operationId of rows.operations) {
    const phases = phasesOf(rows, operationId);
    const ended = phases.filter((phase) => phase !== 'committed');
    if (new Set(phases).size !== phases.length) found.push(`${operationId} went ${phases.join(', ')}`);
    if (phases.includes('committed') && phases.includes('undone')) {
      found.push(`${operationId} was committed and undone`);
    }
    if (ended.length > 1) found.push(`${operationId} ended as ${ended.join(' and ')}`);
  }
  return found;
}
