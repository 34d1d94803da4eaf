import type { SnapshotMember } from '../generated/lockstep/v1/snapshot.ts';

/**
 * A Kubernetes store as evidence: etcd's file or kine's SQLite, behind one interface. It is opened
 * for reading only, and what cannot be read is told and not passed over in silence.
 */
export interface Evidence extends Disposable {
  readonly path: string;
  readonly form: 'etcd' | 'kine';
  /** Read when first asked for: that goes through the store once. Throws SNAPSHOT_CORRUPT. */
  readonly facts: EvidenceFacts;
  /**
   * What a reader has to know before he trusts or misses something, a sentence each: a trailer
   * that does not match, a log beside the file that is not read. Computed when first asked for.
   */
  readonly notes: readonly string[];
  /**
   * Every row that the store still holds, in order of revision. The row is one object, reused:
   * what is kept of it beyond the visit is copied. Throws SNAPSHOT_CORRUPT.
   */
  rows(visit: (row: Row) => void): void;
  /** A copy of what was put at (main, sub); undefined where no row has that revision. */
  value(main: number, sub: number): Uint8Array | undefined;
  /**
   * Rows that the store has given up and that its free pages still hold, in order of the file.
   * Best effort by nature: a row is told only where all of it is there and reads as one.
   */
  carved(visit: (row: CarvedRow) => void): void;
}

export interface EvidenceFacts {
  /** Of the newest row. */
  readonly revision: number;
  /** Up to it superseded rows may be gone; 0 where nothing was ever compacted. */
  readonly compactRevision: number;
  /** Above `compactRevision`: a compaction was under way. */
  readonly scheduledCompactRevision: number;
  /** What kube-apiserver says that it compacted up to; undefined where it says nothing. */
  readonly apiServerCompactRevision: number | undefined;
  /** Low beside a high revision: the file was written anew (defragmented) not long ago. Undefined for kine. */
  readonly transactionId: bigint | undefined;
  /** "/registry" where not told otherwise. */
  readonly registryPrefix: string;
  readonly members: readonly SnapshotMember[];
  readonly leases: readonly Lease[];
  /** "NOSPACE at 8e9e05c52164694d" */
  readonly alarms: readonly string[];
  readonly authEnabled: boolean;
  /** "3.6.0"; empty where the store does not say. */
  readonly storageVersion: string;
}

export interface Lease {
  /** Hexadecimal, as etcdctl prints it. */
  readonly id: string;
  readonly ttlSeconds: number;
}

export interface Row {
  /** Revision of the transaction. */
  readonly main: number;
  /** Number of the operation within it. */
  readonly sub: number;
  /** The key was deleted. kine keeps what it held (`value`); etcd does not. */
  readonly deleted: boolean;
  /** One character per byte (latin1), so that any key survives. */
  readonly key: string;
  /** 0 for a deletion. */
  readonly createRevision: number;
  /** Puts since the key was created; 0 where unknown. */
  readonly version: number;
  /** Hexadecimal; empty where it hangs on none. */
  readonly lease: string;
  /** A view: valid until the visit ends. */
  readonly value: Uint8Array;
}

export interface CarvedRow extends Row {
  /** Page of the file in which it lies; 0 for kine, where the row after it holds it. */
  readonly page: number;
}
