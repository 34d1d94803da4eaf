import type {
  ObserveMemberResponse,
  ReadLedgerResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch, Failure, Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Approval, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Ask } from './events.ts';
import { SEQUENCES_PER_EPOCH } from './limits.ts';
import { FENCE_POSITION } from './phases.ts';

/** Where an operation stands. Plain data; `step` never changes one, it makes the next. */
export interface OperationState {
  readonly plan: RestorePlan;
  readonly epoch: Epoch;
  readonly startedMs: number;
  /** For the record; who may start a plan is judged before there is a state. */
  readonly approval: Approval | undefined;
  readonly stage: Stage;
  readonly nodes: ReadonlyMap<string, NodeState>;
  /** Questions under way, by call number. */
  readonly calls: ReadonlyMap<number, PendingCall>;
  readonly timers: ReadonlyMap<number, TimerPurpose>;
  /** Numbers are never used twice: an answer to a number that was dropped is late, not illegal. */
  readonly nextCall: number;
  readonly nextTimer: number;
  readonly nextSequence: bigint;
  readonly phases: readonly PhaseRecord[];
  /** When FENCE began; undefined while OLD serves untouched. */
  readonly fencedMs: number | undefined;
  /** True once a Commit has been sent under any epoch that this coordinator knows of. */
  readonly mayBeCommitted: boolean;
  readonly abort: Failure | undefined;
  /** Why an undo that is on record began: its words, where the ledgers say that there was one. Decides nothing. */
  readonly undoneFor: Failure | undefined;
  readonly proof: GateProof | undefined;
  readonly settleRounds: number;
  readonly endedMs: number | undefined;
}

export interface PhaseRecord {
  readonly phase: Phase;
  readonly startedMs: number;
  readonly endedMs: number | undefined;
}

/** What the gate proved of NEW. */
export interface GateProof {
  readonly revision: bigint;
  readonly hash: number;
  readonly clusterId: string;
}

export interface NodeState {
  readonly node: string;
  readonly phase: Phase;
  /** Words for a person. */
  readonly words: string;
  readonly done: boolean;
  readonly failure: Failure | undefined;
  /** What the coordinator knows of the promise: undefined where the question may have arrived. */
  readonly promised: boolean | undefined;
  readonly committed: boolean;
  /** Its ledger is closed as restored. */
  readonly closed: boolean;
  /** OLD is back and verified. */
  readonly undone: boolean;
}

export interface PendingCall {
  readonly node: string;
  readonly ask: Ask;
}

export type TimerPurpose =
  | { readonly kind: 'step-deadline' }
  | { readonly kind: 'retry'; readonly node: string }
  | { readonly kind: 'gate-retry' }
  | { readonly kind: 'max-outage' }
  /** Long enough for the absent, where one may go on without them. */
  | { readonly kind: 'grace' }
  /** Long enough for the absent, where one may not. */
  | { readonly kind: 'patience' };

export type Stage =
  | { readonly kind: 'new' }
  | SettleStage
  | ForwardStage
  | UndoStage
  | { readonly kind: 'ended'; readonly outcome: Outcome; readonly failure: Failure | undefined }
  /** Another coordinator holds a higher promise: this one has nothing more to say. */
  | { readonly kind: 'superseded' };

/** One step of the table, taken by groups of nodes one after another. */
export interface ForwardStage {
  readonly kind: 'forward';
  readonly position: number;
  readonly stepStartedMs: number;
  /** Nodes of the group at work that have not done the step. */
  readonly pending: ReadonlySet<string>;
  readonly groups: readonly (readonly string[])[];
  readonly attempts: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  /** Nodes that a step after commit was given up on; the others go on. */
  readonly behind: ReadonlyMap<string, Failure>;
  readonly canaryRevision: bigint;
  readonly observations: ReadonlyMap<string, ObserveMemberResponse | Failure>;
  readonly lastGateFailure: Failure | undefined;
}

export interface UndoStage {
  readonly kind: 'undo';
  readonly cause: Failure;
  readonly fromPhase: Phase;
  /** Index into UNDO_STEPS. */
  readonly index: number;
  readonly stepStartedMs: number;
  /** Nodes that take part: everyone who may have promised. */
  readonly taking: ReadonlySet<string>;
  readonly pending: ReadonlySet<string>;
  readonly attempts: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  /** Nodes whose last answer was none. */
  readonly absent: ReadonlySet<string>;
  /** Gone on without; undone when they are back. */
  readonly away: ReadonlySet<string>;
  readonly failures: ReadonlyMap<string, Failure>;
  readonly gracePassed: boolean;
}

/**
 * Finding out where an operation stands: read every ledger, promise a higher epoch so that
 * nobody else moves, read again, decide. Used by a coordinator that takes over and by one that
 * does not know whether its own Commit arrived.
 */
export interface SettleStage {
  readonly kind: 'settle';
  readonly part: 'survey' | 'promise' | 'read';
  readonly cause: Failure | undefined;
  readonly pending: ReadonlySet<string>;
  /** Nodes whose last answer was none. */
  readonly absent: ReadonlySet<string>;
  readonly attempts: ReadonlyMap<string, number>;
  readonly ledgers: ReadonlyMap<string, ReadLedgerResponse | 'absent' | 'unknown'>;
  readonly gracePassed: boolean;
  /** Nothing can be decided without those who are absent: only their return goes on. */
  readonly patient: boolean;
}

/** A fresh operation; `started` sets it going. */
export function newOperation(
  plan: RestorePlan,
  epoch: Epoch,
  nowMs: number,
  approval?: Approval,
): OperationState {
  return {
    plan,
    epoch,
    startedMs: nowMs,
    approval,
    stage: { kind: 'new' },
    nodes: new Map(plan.nodes.map((each) => [each.node, untouchedNode(each.node)])),
    calls: new Map(),
    timers: new Map(),
    nextCall: 1,
    nextTimer: 1,
    nextSequence: epoch.number * SEQUENCES_PER_EPOCH + 1n,
    phases: [],
    fencedMs: undefined,
    mayBeCommitted: false,
    abort: undefined,
    undoneFor: undefined,
    proof: undefined,
    settleRounds: 0,
    endedMs: undefined,
  };
}

/**
 * An operation that another run of a coordinator began: nothing is believed but the ledgers.
 * `epoch` is a first guess; the survey raises it above every promise.
 */
export function takenOverOperation(
  plan: RestorePlan,
  epoch: Epoch,
  nowMs: number,
  abort?: Failure,
): OperationState {
  const operation = newOperation(plan, epoch, nowMs);
  // Until its ledger is read a node may stand anywhere.
  const nodes = new Map(
    [...operation.nodes].map(([name, node]) => [name, { ...node, promised: undefined }] as const),
  );
  return { ...operation, nodes, mayBeCommitted: true, settleRounds: 1, abort };
}

function untouchedNode(node: string): NodeState {
  return {
    node,
    phase: 0,
    words: '',
    done: false,
    failure: undefined,
    promised: false,
    committed: false,
    closed: false,
    undone: false,
  };
}

/** Before commit begins an operator may ask for undo. */
export function mayAbort(state: OperationState): boolean {
  return (
    !state.mayBeCommitted &&
    (state.stage.kind === 'new' || state.stage.kind === 'forward' || state.stage.kind === 'undo')
  );
}

export function hasEnded(state: OperationState): boolean {
  return state.stage.kind === 'ended' || state.stage.kind === 'superseded';
}

/** True once a step of downtime has been asked for. */
export function isFenced(state: OperationState): boolean {
  return (
    state.fencedMs !== undefined || (state.stage.kind === 'forward' && state.stage.position >= FENCE_POSITION)
  );
}
