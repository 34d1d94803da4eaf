import type { RunnableStep } from '@lockstep/agent/core/operation.ts';
import type { OperationRecord } from '@lockstep/agent/ledger/records.ts';
import type { Component } from '@lockstep/agent/ports.ts';
import type { OperationState } from '@lockstep/coordinator/core/state.ts';
import type { Epoch, Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { FaultKind } from './faults.ts';
import type { SimPhase } from './sim-phase.ts';

/**
 * The world as checkers see it after every event: the objects that the simulator itself works
 * with, read only. Nothing is copied, so a checker that compares with an earlier moment keeps
 * what it needs of it.
 */
export interface WorldView {
  /** Simulated time; the wall clocks of nodes and coordinators may differ from it. */
  readonly nowMs: number;
  /** Events dispatched so far, `last` included. */
  readonly events: number;
  readonly last: SimEvent;
  readonly plan: RestorePlan;
  /** Furthest phase that any coordinator has published, or PHASE_UNDO once undo began; SET_ASIDE once that has. */
  readonly phase: SimPhase;
  readonly nodes: readonly NodeView[];
  readonly coordinators: readonly CoordinatorView[];
  /** One for each incarnation that ever acknowledged a write. */
  readonly writes: readonly WriteTally[];
  /** What faults that no protocol can survive have taken from the promises, exactly. */
  readonly excuses: readonly Excuse[];
  /** Those that took place, in order. */
  readonly faults: readonly { readonly kind: FaultKind; readonly phase: SimPhase }[];
  /** Set in the last call of an operation alone. */
  readonly end: EndOfOperation | undefined;
}

export type SimEventKind =
  /** A message arrived at an agent, or its answer at a coordinator. */
  | 'request'
  | 'answer'
  | 'timer'
  /** Part of a port's method: something changed, was read, or was synced. */
  | 'effect'
  | 'read'
  | 'sync'
  /** A ledger record, within the event of the command that made it. */
  | 'record'
  /** Kubelet, containers, service manager: what acts by itself on a node. */
  | 'host'
  | 'client'
  | 'process'
  | 'fault'
  | 'end';

export interface SimEvent {
  readonly kind: SimEventKind;
  /** "exchange", "STEP_SWAP", "kubelet starts etcd". */
  readonly what: string;
  /** Index into `nodes`, or -1. */
  readonly node: number;
  /** Index into `coordinators`, or -1. */
  readonly coordinator: number;
  readonly phase: SimPhase;
  readonly fault: FaultKind | undefined;
}

/** Which cluster a store, a member or an API server belongs to: OLD, NEW, or an accident. */
export type Incarnation = 'old' | 'new' | `fresh-${number}`;

export interface StoreView {
  readonly inode: number;
  readonly incarnation: Incarnation;
  /** As whoever reads now sees it. */
  readonly content: 'partial' | 'complete';
  /** As it would be after power loss. */
  readonly durable: 'partial' | 'complete';
  /** OLD: nothing that must not has written, truncated or removed any of it. */
  readonly intact: boolean;
  readonly removed: boolean;
  /** The snapshot's content that NEW was built from; equal on all nodes by invariant 6. */
  readonly contentSha256: string;
}

/** A name and what bears it: now, and after power loss. 0: nothing. */
export interface Name {
  readonly volatile: number;
  readonly durable: number;
}

export interface EtcdProcess {
  readonly pid: number;
  /** Inode of the directory that its name led to when it started. */
  readonly inode: number;
  readonly incarnation: Incarnation;
  /** Waits for the lock on its database; serves nobody yet. */
  readonly waitsForLock: boolean;
  /** Has the lock and serves its peers. */
  readonly serving: boolean;
  /** Kept an old database and opened a new log: the exchange happened under it. */
  readonly mixed: boolean;
  readonly startedBy: 'kubelet' | 'outside';
}

export interface ApiProcess {
  readonly pid: number;
  readonly ready: boolean;
  /** Of the member it last reached; undefined before. */
  readonly incarnation: Incarnation | undefined;
  readonly startedBy: 'kubelet' | 'outside';
}

/** One effect of an agent on its node, as it began. */
export interface PerformedEffect {
  readonly node: number;
  readonly what: string;
  readonly step: RunnableStep | undefined;
  /** Under which the command ran. */
  readonly epoch: Epoch | undefined;
  /** What the ledger had promised when it began. */
  readonly promised: Epoch | undefined;
}

export interface NodeView {
  readonly index: number;
  readonly name: string;
  /** The operation goes on without it. */
  readonly leftOut: boolean;
  /** Left out, and it never comes back. */
  readonly gone: boolean;
  readonly powered: boolean;
  readonly agent: {
    readonly up: boolean;
    readonly paused: boolean;
    /** Counts starts of the process. */
    readonly run: number;
    readonly effectInFlight: boolean;
  };
  readonly ledger: {
    readonly ledgerId: string;
    readonly promised: Epoch | undefined;
    /** The simulated one, or of a node that was left out that which sets it aside; undefined where there is none. */
    readonly operation: OperationRecord | undefined;
    /** Counts records; never sinks but by a fault that an excuse names. */
    readonly records: number;
  };
  readonly kubelet: {
    readonly running: boolean;
    readonly paused: boolean;
    /** The hold file, of this operation. */
    readonly hold: Name;
    /** The drop-in is loaded: the hold counts at the next start. */
    readonly holdLoaded: boolean;
    /** Has seen the API since it started: only then it stops what is gone. */
    readonly sawApi: boolean;
  };
  /** 1 where the component's manifest is in kubelet's directory, 0 where not. */
  readonly liveManifests: Readonly<Record<Component, Name>>;
  readonly parkedManifests: Readonly<Record<Component, Name>>;
  /** Inode under the data directory's name. */
  readonly inPlace: Name;
  /** Inode under the name where NEW is built, and OLD is kept. */
  readonly other: Name;
  /** Every store that ever was on this node, by inode. */
  readonly stores: ReadonlyMap<number, StoreView>;
  readonly oldInode: number;
  readonly etcds: readonly EtcdProcess[];
  readonly apiServers: readonly ApiProcess[];
  /** The effect of this event, where `last` is one of an agent here. */
  readonly effect: PerformedEffect | undefined;
}

export interface CoordinatorView {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly paused: boolean;
  readonly leads: boolean;
  readonly run: number;
  /** Of the operation that it runs, or ran last since it started. */
  readonly state: OperationState | undefined;
  /** Indices of nodes that its messages do not reach, and that do not reach it. */
  readonly cutTo: ReadonlySet<number>;
  readonly cutFrom: ReadonlySet<number>;
}

export interface WriteTally {
  readonly incarnation: Incarnation;
  readonly acknowledged: number;
  /** Acknowledged while a planned agent had not committed. */
  readonly beforeAllCommitted: number;
}

/**
 * A fault took away what a promise rests on. A checker lets exactly this pass: on this node (-1:
 * everywhere), from this event on, for the promise named.
 */
export interface Excuse {
  readonly fault: FaultKind;
  readonly node: number;
  readonly sinceEvent: number;
  readonly promise: /** The promised epoch, or recorded effects, may sink. */
    | 'ledger-only-grows'
    /** Commit and undo may both be recorded, on this node and others. */
    | 'commit-excludes-undo'
    /** An etcd or API server with `startedBy: 'outside'` may run, on whatever store it was started. */
    | 'outside-process'
    /** A manifest that an agent took out may be in place again. */
    | 'manifests-stay-out'
    /** The operation may end `needs-operator`, or not be known to any coordinator. */
    | 'ends-by-itself';
}

export interface EndOfOperation {
  /** As the coordinator that ended it says; undefined: nobody did within the bounds. */
  readonly outcome: Outcome | undefined;
  readonly code: string;
  /** Every node is powered, connected and settled. */
  readonly quiet: boolean;
}
