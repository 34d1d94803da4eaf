import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { Operation, OperationReport } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { Journal, OperationRecord } from '../runner/ports.ts';

/** Lines that wait for the disk; beyond them the record of an operation has a gap, the operation has not. */
const MAX_WAITING_LINES = 10_000;
/** Operations kept in memory from earlier runs. */
const MAX_LOADED = 200;

type Line =
  | { readonly begun: { operation: unknown; planBase64: string } }
  | { readonly event: unknown }
  | { readonly ended: { operation: unknown; report: unknown } };

/**
 * One file of JSON lines per operation, synced in batches. It is a record and a cache: the truth
 * is in the agents' ledgers, so nothing waits for it and a write that fails is logged, no more.
 */
export class FileJournal implements Journal {
  readonly #dir: string;
  readonly #logger: Logger;
  readonly #waiting: { operationId: string; line: Line }[] = [];
  #writing: Promise<void> | undefined;

  constructor(stateDir: string, logger: Logger) {
    this.#dir = join(stateDir, 'operations');
    this.#logger = logger;
  }

  async load(signal: AbortSignal): Promise<OperationRecord[]> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const names = (await readdir(this.#dir)).filter((name) => name.endsWith('.jsonl')).sort();
    const records: OperationRecord[] = [];
    for (const name of names.slice(-MAX_LOADED)) {
      signal.throwIfAborted();
      const record = parseRecord(await readFile(join(this.#dir, name), 'utf8'));
      if (record === undefined) this.#logger.warn({ file: name }, 'a journal could not be read');
      else records.push(record);
    }
    return records;
  }

  begin(record: Omit<OperationRecord, 'events' | 'report'>): void {
    this.#push(record.operationId, {
      begun: {
        operation: Operation.toJSON(record.operation),
        planBase64: Buffer.from(record.planBytes).toString('base64'),
      },
    });
  }

  append(event: OperationEvent): void {
    // Progress is for who watches now.
    if (event.event?.$case === 'nodeProgress' && !event.event.value.done) return;
    this.#push(event.operationId, { event: OperationEvent.toJSON(event) });
  }

  end(operationId: string, operation: Operation, report: OperationReport): void {
    this.#push(operationId, {
      ended: { operation: Operation.toJSON(operation), report: OperationReport.toJSON(report) },
    });
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #push(operationId: string, line: Line): void {
    if (this.#waiting.length >= MAX_WAITING_LINES) {
      this.#logger.warn({ operationId }, 'the disk is too slow for the journal: a line was dropped');
      return;
    }
    this.#waiting.push({ operationId, line });
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    // Let everything of this turn of the loop into one batch, off the operation's own path.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      const byOperation = Map.groupBy(batch, (each) => each.operationId);
      for (const [operationId, lines] of byOperation) {
        const text = lines.map(({ line }) => `${JSON.stringify(line)}\n`).join('');
        await this.#append(operationId, text).catch((thrown: unknown) => {
          this.#logger.error({ err: thrown, operationId }, 'the journal could not be written');
        });
      }
    }
  }

  async #append(operationId: string, text: string): Promise<void> {
    const path = join(this.#dir, `${operationId}.jsonl`);
    let file: FileHandle;
    try {
      file = await open(path, 'a', 0o600);
    } catch {
      // The directory was deleted under us.
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      file = await open(path, 'a', 0o600);
    }
    try {
      await file.appendFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

/** Undefined where the file does not begin with an operation; a torn last line is left out. */
function parseRecord(text: string): OperationRecord | undefined {
  let record: OperationRecord | undefined;
  for (const raw of text.split('\n')) {
    const line = parseLine(raw);
    if (line === undefined) continue;
    if ('begun' in line) {
      const planBytes = Buffer.from(line.begun.planBase64, 'base64');
      const operation = Operation.fromJSON(line.begun.operation);
      record = {
        operationId: operation.operationId,
        planBytes,
        planSha256: sha256Hex(planBytes),
        operation,
        report: undefined,
        events: record?.events ?? [],
      };
    } else if (record === undefined) return undefined;
    else if ('event' in line) {
      record = { ...record, events: [...record.events, OperationEvent.fromJSON(line.event)] };
    } else {
      record = {
        ...record,
        operation: Operation.fromJSON(line.ended.operation),
        report: OperationReport.fromJSON(line.ended.report),
      };
    }
  }
  return record;
}

function parseLine(raw: string): Line | undefined {
  if (raw === '') return undefined;
  try {
    return JSON.parse(raw) as Line;
  } catch {
    return undefined;
  }
}
