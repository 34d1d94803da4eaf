import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { SnapshotCard, SnapshotMarks } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Served } from '../core/drill.ts';
import type { ReadStoreFacts, SnapshotShelf, StoreBuilder, Stores } from '../ports.ts';

/** What a drill needs of the node. Paths are host paths; whatever can wait takes an AbortSignal last. */
export interface DrillPorts {
  readonly snapshots: Pick<SnapshotShelf, 'verify' | 'hostPathOf'> & {
    get(id: string): Promise<{ readonly card: SnapshotCard }>;
  };
  readonly stores: Pick<Stores, 'inodeOf' | 'realPath'>;
  readonly builder: StoreBuilder;
  readonly readStoreFacts: ReadStoreFacts;
  readonly places: DrillPlaces;
  readonly servers: DrillServers;
  readonly describe: (signal: AbortSignal) => Promise<NodeReport>;
  readonly memoryAvailableBytes: () => bigint;
  /** Adds to what is known of a snapshot on this node. */
  readonly mark: (marks: SnapshotMarks) => Promise<void>;
}

/** Scratch directories: each a drill's own, below the agent's state directory and nowhere else. */
export interface DrillPlaces {
  /** Makes a directory that nobody but root may enter. */
  make(drillId: string): Promise<string>;
  /** Ends whatever still runs in it, proven, and removes it, proven. Safe to repeat. */
  clear(drillId: string): Promise<void>;
  /** Those that are there, whoever left them. */
  list(): Promise<string[]>;
}

/** An etcd for a drill alone: no peers, no port of the node, nobody to ask it but who started it. */
export interface DrillServers {
  /** The server of one minor version that lies beside one of these tools; undefined where none does. */
  find(
    tools: NodeReport['tools'],
    minor: string,
    signal: AbortSignal,
  ): Promise<{ readonly path: string; readonly version: string } | undefined>;
  /**
   * Started at idle priority on the store in `place`, and waited for until it serves. Throws
   * SNAPSHOT_UNRESTORABLE where it ends by itself, DRILL_NEAR_LIVE where it listens on a port.
   */
  start(
    request: { readonly program: string; readonly place: string; readonly store: string },
    signal: AbortSignal,
  ): Promise<DrillServer>;
}

export interface DrillServer extends AsyncDisposable {
  readonly clusterId: string;
  readonly version: string;
  /** Of the keys as they were at that revision. */
  read(
    content: { readonly revision: bigint; readonly registryPrefix: string; readonly authEnabled: boolean },
    signal: AbortSignal,
  ): Promise<Served & { readonly hashKv: number }>;
  /** SIGKILL; resolves when it is gone, rejects with DRILL_FAILED where that cannot be said. */
  [Symbol.asyncDispose](): Promise<void>;
}
