import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessId } from '../processes.ts';

export interface SandboxRecord {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** On the node. */
  readonly logDirectory: string;
  readonly createdAtMs: number;
  readonly ready: boolean;
}

export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly {
    readonly containerPath: string;
    readonly hostPath: string;
    readonly readonly: boolean;
  }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** On the node. */
  readonly logPath: string;
  readonly createdAtMs: number;
  /** Undefined until started. */
  readonly process?: ProcessId;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly exitCode?: number;
}

/** One JSON file for each record: what the runtime knows outlives it, as containerd's metadata does. */
export class RecordStore<T extends { readonly id: string }> {
  private readonly directory: string;
  private readonly records = new Map<string, T>();

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    for (const file of readdirSync(directory).filter((file) => file.endsWith('.json'))) {
      const record = JSON.parse(readFileSync(join(directory, file), 'utf8')) as T;
      this.records.set(record.id, record);
    }
  }

  all(): T[] {
    return [...this.records.values()];
  }

  get(id: string): T | undefined {
    return this.records.get(id);
  }

  put(record: T): void {
    const path = this.pathOf(record.id);
    writeFileSync(`${path}.new`, JSON.stringify(record));
    renameSync(`${path}.new`, path);
    this.records.set(record.id, record);
  }

  delete(id: string): void {
    this.records.delete(id);
    rmSync(this.pathOf(id), { force: true });
  }

  private pathOf(id: string): string {
    return join(this.directory, `${id}.json`);
  }
}
