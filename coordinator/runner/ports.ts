import type {
  CommitRequest,
  CommitResponse,
  CompareLiveRequest,
  CompareLiveResponse,
  CopySnapshotRequest,
  DeleteSnapshotRequest,
  DescribeKeptResponse,
  DrillSnapshotResponse,
  EncryptionVerdict,
  ExecuteRequest,
  ExportSnapshotRequest,
  ExportSnapshotResponse,
  ImportSnapshotRequest,
  ObserveMemberResponse,
  PromiseRequest,
  PromiseResponse,
  ReadLedgerResponse,
  SaveKeptRequest,
  SaveKeptResponse,
  SaveSnapshotRequest,
  SaveSnapshotResponse,
  SealSnapshotRequest,
  StepProgress,
  StepResult,
  VerifySnapshotResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { Operation, OperationReport } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Approval } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type {
  EncryptionUse,
  Proof,
  Revocation,
  SnapshotMarks,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { ListedCopy } from '../core/catalogue.ts';

/**
 * What the runner needs of the outside. Adapters implement these; `main.ts` wires them. Whatever
 * can wait takes an AbortSignal last and rejects with a LockstepError.
 */

export interface AgentAddress {
  readonly node: string;
  /** "HOST:PORT". */
  readonly address: string;
}

/** One agent, over one connection that is kept open. */
export interface AgentClient extends AgentAddress {
  describe(signal: AbortSignal): Promise<NodeReport>;
  checkEncryption(uses: readonly EncryptionUse[], signal: AbortSignal): Promise<EncryptionVerdict[]>;
  compareLive(request: CompareLiveRequest, signal: AbortSignal): Promise<CompareLiveResponse>;
  promise(request: PromiseRequest, signal: AbortSignal): Promise<PromiseResponse>;
  execute(
    request: ExecuteRequest,
    onProgress: (progress: StepProgress) => void,
    signal: AbortSignal,
  ): Promise<StepResult>;
  commit(request: CommitRequest, signal: AbortSignal): Promise<CommitResponse>;
  observeMember(hashRevision: bigint, signal: AbortSignal): Promise<ObserveMemberResponse>;
  /** Empty id: the open operation, else the latest. */
  readLedger(operationId: string, signal: AbortSignal): Promise<ReadLedgerResponse>;
  saveSnapshot(request: SaveSnapshotRequest, signal: AbortSignal): AsyncIterable<SaveSnapshotResponse>;
  /** Of the OLD that an operation keeps there. */
  describeKept(operationId: string, signal: AbortSignal): Promise<DescribeKeptResponse>;
  saveKept(request: SaveKeptRequest, signal: AbortSignal): AsyncIterable<SaveKeptResponse>;
  listSnapshots(signal: AbortSignal): Promise<StoredSnapshot[]>;
  verifySnapshot(snapshotId: string, signal: AbortSignal): Promise<VerifySnapshotResponse>;
  /** Pulls it from another agent. */
  copySnapshot(
    request: CopySnapshotRequest,
    onProgress: (progress: StepProgress) => void,
    signal: AbortSignal,
  ): Promise<StoredSnapshot>;
  exportSnapshot(request: ExportSnapshotRequest, signal: AbortSignal): AsyncIterable<ExportSnapshotResponse>;
  /** Nothing where it was only to be proven. */
  importSnapshot(
    parts: AsyncIterable<ImportSnapshotRequest>,
    signal: AbortSignal,
  ): Promise<StoredSnapshot | undefined>;
  /** Resolves once it is gone for good there. Throws SNAPSHOT_IN_USE, SNAPSHOT_PINNED, SNAPSHOT_EVIDENCE. */
  deleteSnapshot(request: DeleteSnapshotRequest, signal: AbortSignal): Promise<void>;
  /** Resolves with all that is known there now. */
  markSnapshot(marks: SnapshotMarks, signal: AbortSignal): Promise<SnapshotMarks>;
  /** Restores its copy into a scratch place there: progress, then the proof or why there is none. */
  drillSnapshot(snapshotId: string, signal: AbortSignal): AsyncIterable<DrillSnapshotResponse>;
  /** The snapshot as it is sealed now. */
  sealSnapshot(request: SealSnapshotRequest, signal: AbortSignal): Promise<StoredSnapshot>;
  getRevocations(signal: AbortSignal): Promise<Revocation[]>;
  /** Resolves with all that the agent knows now. */
  setRevocations(revocations: readonly Revocation[], signal: AbortSignal): Promise<Revocation[]>;
}

export interface Agents {
  /** Nodes of the configuration, or those present on NATS where it names none. */
  known(): readonly AgentAddress[];
  /** The same client for the same node and address, every time. */
  client(address: AgentAddress): AgentClient;
}

/** Events that leave the coordinator: NATS where it is configured, else nowhere. Never throws, never waits. */
export interface Announcer {
  announce(event: OperationEvent): void;
}

/** Whom a coordinator knows to lead. */
export interface Leader {
  /** Its name, as the configuration and its certificate have it. */
  readonly coordinator: string;
  /** "HOST:PORT" for operators; empty where it did not say. */
  readonly address: string;
}

/**
 * Who acts unasked, among coordinators. A hint and never trusted: two may believe that they lead
 * for a while, and the agents' fence alone says who may command. So an operation under way goes
 * on where the lead is lost; only nothing more is taken up.
 */
export interface Leadership {
  /** This coordinator acts unasked, as of this moment. */
  readonly leads: boolean;
  /** Another one that leads, as far as is known; undefined where this one does, or nobody is known to. */
  readonly other: Leader | undefined;
  /**
   * False where nobody is elected, so that another coordinator may believe the same of itself:
   * then what another began is not taken from it unasked.
   */
  readonly elected: boolean;
  /**
   * Nothing was heard of who leads for so long that nobody can still believe to: then nobody acts
   * unasked, but for what an earlier run of its own left open.
   */
  readonly silent: boolean;
  /** Calls after each change of the above. */
  onChange(listener: () => void): Disposable;
  /** How this coordinator fares: one that reaches no agent should not lead. */
  reaches(anyAgent: boolean): void;
}

/** What the record of an operation holds beside its events. */
export interface OperationRecord {
  readonly operationId: string;
  readonly planSha256: string;
  readonly planBytes: Uint8Array;
  readonly operation: Operation;
  readonly report: OperationReport | undefined;
  readonly events: readonly OperationEvent[];
}

/**
 * The coordinator's own record: a cache of what the agents' ledgers hold, and the history for
 * people. Nothing is decided by it, so writing it is never waited for.
 */
export interface Journal {
  /** Every operation that was recorded, oldest first; what cannot be read is left out. */
  load(signal: AbortSignal): Promise<OperationRecord[]>;
  begin(record: Omit<OperationRecord, 'events' | 'report'>): void;
  append(event: OperationEvent): void;
  end(operationId: string, operation: Operation, report: OperationReport): void;
  /** Resolves when all of the above is on disk. */
  flush(): Promise<void>;
}

/** A plan as it was answered to an operator. */
export interface StoredPlan {
  readonly operationId: string;
  readonly planSha256: string;
  readonly planBytes: Uint8Array;
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly Refusal[];
  /** A second person's, where one was given. */
  readonly approval: Approval | undefined;
  readonly expiresMs: number;
}

export interface Plans {
  put(plan: StoredPlan): Promise<void>;
  get(operationId: string): Promise<StoredPlan | undefined>;
}

export interface UnexpiredPlans {
  /** Those that may still be run. */
  unexpired(): Promise<StoredPlan[]>;
}

/** The copies in all stores that are configured. What it answers never holds bytes of a snapshot. */
export interface Copies {
  /** Of every store that answers. */
  list(
    signal: AbortSignal,
  ): Promise<{ readonly copies: readonly ListedCopy[]; readonly failures: readonly Failure[] }>;
  /** Adds to what is known of a copy. Throws STORE_*. */
  mark(store: string, marks: SnapshotMarks, signal: AbortSignal): Promise<void>;
  /** Its card first, then its bytes, then its marks. Throws STORE_*, COPY_LOCKED. */
  remove(store: string, snapshotId: string, signal: AbortSignal): Promise<void>;
}

/** Restores a snapshot into a scratch place and proves it there; the proof is among its marks then. */
export interface Drills {
  /** Empty node: whichever is best. A proof with a failure is an answer; no proof at all throws. */
  run(snapshotId: string, node: string, signal: AbortSignal): Promise<Proof>;
}

/** Takes a snapshot as `lockstep snapshot save` does: chosen, sealed, copied. */
export interface Saves {
  /** Empty node: a healthy follower. `failures`: what of its copies failed. Throws where none was taken. */
  run(
    request: { readonly node: string; readonly reason: string },
    signal: AbortSignal,
  ): Promise<{ readonly snapshot: StoredSnapshot; readonly failures: readonly Failure[] }>;
}

/** What is remembered of a schedule's last run. */
export interface ScheduleRun {
  readonly schedule: string;
  /** What it was for. */
  readonly occurrenceMs: number;
  readonly startedMs: number;
  /** Undefined: it runs, or was interrupted. */
  readonly endedMs: number | undefined;
  /** "done", or a code; empty while it runs. */
  readonly outcome: string;
  readonly message: string;
  readonly snapshotId: string;
  /** How often it was begun for that occurrence. */
  readonly attempt: number;
}

/** The last run of each schedule, durably. */
export interface ScheduleRuns {
  load(): Promise<ScheduleRun[]>;
  /** Synced when it resolves. */
  put(run: ScheduleRun): Promise<void>;
}

/** One named thing in a store. */
export interface StoredObject {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * A place outside the cluster that keeps named bytes: a directory, or a bucket. Names are plain
 * ("ID.snap"), and a name is there with all of its bytes or not at all. Rejects with STORE_* and
 * COPY_* alone; every call ends by itself where the store falls silent.
 */
export interface Store {
  readonly name: string;
  /**
   * Resolves once the bytes are durably there under that name, in the place of what was. Where
   * `bytes` throws, or the store does, nothing of it stays.
   */
  put(name: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** From an offset to the end, as fast as it is taken. Throws COPY_NOT_FOUND. */
  get(name: string, offsetBytes: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** What is there, in no order; unfinished ones are not. */
  list(signal: AbortSignal): Promise<StoredObject[]>;
  /** Undefined where it is not there. */
  head(name: string, signal: AbortSignal): Promise<StoredObject | undefined>;
  /** Durably gone afterwards; so is one that was never there. Throws COPY_LOCKED. */
  remove(name: string, signal: AbortSignal): Promise<void>;
}
