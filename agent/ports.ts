import type { EncryptionVerdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Inode, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  ApiServerReport,
  EtcdMember,
  EtcdReport,
  NodeReport,
  ToolReport,
} from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type {
  EtcdMemberPlan,
  NodePlan,
  PlaceCure,
  SnapshotSource,
} from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type {
  EncryptionUse,
  SealedCard,
  SnapshotFacts,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { CarriedCard } from '@lockstep/shared/seal/card.ts';

/**
 * What the executor needs of the outside, in the words of the job. Adapters implement these;
 * `main.ts` wires them. Every method that can wait takes an AbortSignal last, rejects with a
 * LockstepError, and is safe to repeat. Paths are host paths; only adapters know the host root.
 */

/** The parts of a control plane, by their kubeadm component names. */
export type Component = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

/** What the card of a snapshot says of the node that it was taken on. */
export interface Provenance {
  readonly etcd: Pick<EtcdReport, 'version' | 'caSha256'> | undefined;
  readonly apiServer:
    | Pick<ApiServerReport, 'version' | 'clusterCaSha256' | 'serviceAccountKeySha256' | 'encryptionKeys'>
    | undefined;
}

/** How the node runs its control plane. One implementation per hosting; kubeadm's is `static-pod`. */
export interface Hosting {
  readonly kind: 'static-pod' | 'systemd';

  /** Everything of the NodeReport that is not the ledger's. Changes nothing; what cannot be read is in `failures`. */
  inspect(signal: AbortSignal): Promise<NodeReport>;
  /** The few facts of it that a snapshot's card takes: neither processes nor units are asked for them. */
  provenance(signal: AbortSignal): Promise<Provenance>;

  /**
   * Makes ready for holdKubelet, holding nothing: the service manager may take a second to load a
   * new condition, and that second is better spent before the downtime. Does nothing on a node
   * that runs no control plane.
   */
  prepareHold(signal: AbortSignal): Promise<void>;
  /** Kubelet durably kept from starting (read back from the service manager), then stopped, proven inactive. */
  holdKubelet(operationId: string, signal: AbortSignal): Promise<void>;
  /** The hold lifted durably and kubelet started, active. */
  releaseKubelet(operationId: string, signal: AbortSignal): Promise<void>;
  kubeletState(operationId: string, signal: AbortSignal): Promise<KubeletState>;

  /**
   * Moves the manifests of these components out of kubelet's directory into `parkedDir`, both
   * directories synced, also where nothing is left to move. One that is parked already is left;
   * one found in both places is refused.
   */
  parkManifests(
    plan: NodePlan,
    components: readonly Component[],
    parkedDir: string,
    signal: AbortSignal,
  ): Promise<void>;
  /** Moves one back, durably: same inode, so owner, mode and times are as they were. */
  returnManifest(plan: NodePlan, component: Component, parkedDir: string, signal: AbortSignal): Promise<void>;
  manifestsInPlace(plan: NodePlan, signal: AbortSignal): Promise<readonly Component[]>;

  /** Stops and removes the static pods of these components through CRI, at once (SIGKILL): etcd is crash-safe by its WAL. */
  stopComponents(plan: NodePlan, components: readonly Component[], signal: AbortSignal): Promise<void>;
  /**
   * Proof of a stop, closed: kubelet held, CRI answers and lists none, no process of theirs, no
   * listener of theirs; for etcd also nobody with the store's db open or locked.
   * Throws STOP_UNPROVEN naming the signal that disagrees.
   */
  proveStopped(
    plan: NodePlan,
    operationId: string,
    components: readonly Component[],
    signal: AbortSignal,
  ): Promise<void>;

  /** Resolves when the local API server's /readyz says ok; rejects with API_NOT_READY at the signal. */
  waitApiReady(plan: NodePlan, signal: AbortSignal): Promise<void>;
  /**
   * Whether the etcd that this node's API server is told of serves, its quorum included; asked over
   * the network, so also where no member is beside it. False where nobody answers.
   */
  etcdServes(signal: AbortSignal): Promise<boolean>;
  /** Resolves when the member's peer listener serves (TLS answer on /version or /members). */
  waitServingPeers(member: EtcdMemberPlan, signal: AbortSignal): Promise<void>;

  /** Tries to open each sample with the node's EncryptionConfiguration. Secrets never leave the node. */
  checkEncryption(uses: readonly EncryptionUse[], signal: AbortSignal): Promise<EncryptionVerdict[]>;
  /** Literal shell lines that bring OLD back by hand, for UNDO.txt. */
  undoText(plan: NodePlan, paths: UndoPaths): string;
}

export interface KubeletState {
  /** Kept from starting, by this operation. */
  readonly held: boolean;
  /** Somebody's hold is on disk, whether or not it holds now: it may at the next start. */
  readonly marked: boolean;
  readonly active: boolean;
}

export interface UndoPaths {
  readonly parkedDir: string;
  /** Where the store that is not in place lies: NEW before the swap, OLD after it. Undefined without a member. */
  readonly otherStore: string | undefined;
  readonly operationId: string;
}

/** Stores on disk: built, exchanged, owned, synced. */
export interface Stores {
  /** The inode of a directory, or undefined where nothing is there. Throws if it is no directory. */
  inodeOf(path: string, signal: AbortSignal): Promise<Inode | undefined>;
  /**
   * Exchanges two directories in one system call while holding the lock on `lockDb` (OLD's
   * member/snap/db), calling `prove` after the lock is taken and again before it goes; both
   * parents are synced before it returns. Throws STORE_LOCKED, EXCHANGE_FAILED.
   */
  exchange(
    request: { inPlace: string; other: string; lockDb: string; prove: () => Promise<void> },
    signal: AbortSignal,
  ): Promise<void>;
  /** Makes the names of these directories durable: who exchanged them may have died before that. */
  syncNames(paths: readonly string[], signal: AbortSignal): Promise<void>;
  /** Owner, modes and security labels as the model's, for a whole tree; then every file and directory synced. */
  adopt(tree: string, model: string, signal: AbortSignal): Promise<void>;
  makeDirectory(path: string, mode: number, signal: AbortSignal): Promise<void>;
  /** Removes a tree that this operation made. Refuses anything outside the operation's own directories. */
  removeOwnTree(path: string, operationId: string, signal: AbortSignal): Promise<void>;
  /** Writes a whole file durably: dotfile, sync, rename, sync the directory. */
  writeFile(path: string, content: string | Uint8Array, mode: number, signal: AbortSignal): Promise<void>;
  /** Copies a store's files (db and WAL), durably. The source is only read. */
  copyStore(from: string, to: string, signal: AbortSignal): Promise<void>;
  freeBytes(path: string, signal: AbortSignal): Promise<bigint>;
  /** The real path in this process's file system, for readers and for child processes. Checks the allow-list. */
  realPath(path: string): string;
}

/** etcdutl, of the minor version that the plan names. */
export interface StoreBuilder {
  /** `etcdutl snapshot restore` into `targetDir`, which must not exist; at idle priority. Throws TOOL_MISMATCH, BUILD_FAILED. */
  restore(
    request: {
      tool: ToolReport;
      snapshotPath: string;
      targetDir: string;
      member: EtcdMemberPlan;
      clusterToken: string;
      /** Undefined: the tool is too old to bump. */
      bumpBy: bigint | undefined;
    },
    signal: AbortSignal,
  ): Promise<void>;
}

/** The snapshots of this node, as far as steps need them. */
export interface SnapshotShelf {
  /** Undefined where this node has none of that id. Throws SNAPSHOT_CARD_MISSING. */
  find(id: string): Promise<StoredSnapshot | undefined>;
  /** Reads it whole; what is wrong with it is in `refusals`. `background`: nobody waits for it. */
  verify(
    id: string,
    signal: AbortSignal,
    how?: { readonly background: boolean },
  ): Promise<{ facts: SnapshotFacts | undefined; refusals: readonly Refusal[] }>;
  remove(id: string): Promise<void>;
  /** What a pull that was cut short has left. */
  removePart(id: string): Promise<void>;
  hostPathOf(id: string): string;
}

/**
 * Holds the lock that every etcd holds on its database (host path) while it has it open, until it
 * is disposed. Throws STORE_LOCKED where somebody has it, STORE_NOT_AS_RECORDED where there is none.
 */
export type LockDatabase = (databasePath: string, signal: AbortSignal) => Promise<AsyncDisposable>;

/** Why a sealed card is not trusted on this node; empty where it is. */
export type JudgeSeals = (sealed: SealedCard | undefined) => Promise<readonly Refusal[]>;

/** Brings a snapshot here from the first source that has it, proven against the card. Throws PULL_FAILED, DISK_FULL. */
export type PullSnapshot = (
  carried: CarriedCard,
  sources: readonly SnapshotSource[],
  progress: (doneBytes: bigint, totalBytes: bigint) => void,
  signal: AbortSignal,
) => Promise<void>;

/**
 * The node's evidence before a restore changes anything: small, into a file of the operation (host
 * path). It may reject as anything may, and end late: whoever asks goes on without it.
 */
export type GatherBefore = (
  request: { readonly operationId: string; readonly requestedBy: string; readonly path: string },
  signal: AbortSignal,
) => Promise<{ readonly sha256: string; readonly sizeBytes: number }>;

/** Reads a store's database whole (host path), by our own reader. Throws SNAPSHOT_* for what is broken. */
export type ReadStoreFacts = (
  databasePath: string,
  contentUpToRevision: bigint,
  signal: AbortSignal,
) => Promise<SnapshotFacts>;

export interface MemberObservation {
  readonly memberId: string;
  readonly clusterId: string;
  readonly revision: bigint;
  readonly leader: boolean;
  readonly learner: boolean;
  readonly version: string;
  readonly dbSizeBytes: bigint;
  readonly raftIndex: bigint;
  readonly members: readonly EtcdMember[];
  readonly alarms: readonly string[];
}

/** What a node that joins a cluster anew needs of its manifests. */
export interface Joining {
  /**
   * etcd's parked manifest put in place with the flags that make an empty store join these members
   * and never begin a cluster of its own; the parked one stays as it was. One of other content in
   * place is refused.
   */
  placeJoiningManifest(
    plan: NodePlan,
    parkedDir: string,
    initialCluster: string,
    signal: AbortSignal,
  ): Promise<void>;
  /** The way back; never where the parked one is not there. */
  removeJoiningManifest(plan: NodePlan, parkedDir: string, signal: AbortSignal): Promise<void>;
  /** The parked manifest of etcd, no longer of use, to where it is kept. */
  archiveParkedManifest(
    plan: NodePlan,
    parkedDir: string,
    archive: string,
    signal: AbortSignal,
  ): Promise<void>;
}

/** The membership of the cluster that this node's member belongs to. */
export interface Membership {
  /** A learner with these peer URLs; the one that is there already where there is one. Returns its id. */
  addLearner(peerUrls: readonly string[], signal: AbortSignal): Promise<string>;
  /** False as long as etcd says that it has not caught up yet. True for one that votes already. */
  promoteLearner(memberId: string, signal: AbortSignal): Promise<boolean>;
  /** Whether a member with these peer URLs votes. */
  isVoter(peerUrls: readonly string[], signal: AbortSignal): Promise<boolean>;
  /** Throws ALREADY_COMMITTED for a member that votes; does nothing where there is none. */
  removeLearner(peerUrls: readonly string[], signal: AbortSignal): Promise<void>;
}

/** The etcd member on this node, over its own API with the certificates that the manifest names. */
export interface LocalMember {
  /** Status, member list and alarms in one. Throws ETCD_UNREACHABLE. */
  observe(signal: AbortSignal): Promise<MemberObservation>;
  hashKv(revision: bigint, signal: AbortSignal): Promise<{ hash: number; compactRevision: bigint }>;
  /** Writes and deletes one key of ours; returns the revision of the write. */
  writeCanary(operationId: string, signal: AbortSignal): Promise<bigint>;
  disarmAlarms(alarms: readonly string[], signal: AbortSignal): Promise<void>;
  /** Puts each key as the plan has it, or deletes it; the same again when repeated. */
  putCures(cures: readonly PlaceCure[], signal: AbortSignal): Promise<void>;
  /** Deletes API server endpoints in /registry/masterleases of addresses not in `keep`; returns what was deleted. */
  dropStaleMasterLeases(prefix: string, keep: readonly string[], signal: AbortSignal): Promise<string[]>;
  /** etcd's own snapshot stream: raw file bytes, trailer included. */
  snapshot(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** All keys under a prefix with their mod revisions, without values, paged. */
  listKeys(prefix: string, signal: AbortSignal): AsyncIterable<{ key: Uint8Array; modRevision: bigint }>;
  getValue(key: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** True where etcd's own auth is on. */
  authEnabled(signal: AbortSignal): Promise<boolean>;
}
