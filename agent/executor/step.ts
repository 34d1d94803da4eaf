import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { StepResult } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { EtcdMemberPlan, NodePlan, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { RunnableStep } from '../core/operation.ts';
import type { NodePaths, OperationPaths } from '../core/paths.ts';
import type { EffectRecord } from '../ledger/records.ts';
import type {
  Component,
  GatherBefore,
  Hosting,
  Joining,
  JudgeSeals,
  LocalMember,
  Membership,
  PullSnapshot,
  ReadStoreFacts,
  SnapshotShelf,
  StoreBuilder,
  Stores,
} from '../ports.ts';

/** What steps act through; wired once, in main.ts. */
export interface StepPorts {
  readonly hosting: Hosting;
  readonly stores: Stores;
  readonly builder: StoreBuilder;
  readonly member: LocalMember;
  readonly joining: Joining;
  readonly membership: Membership;
  readonly snapshots: SnapshotShelf;
  readonly pull: PullSnapshot;
  readonly judgeSeals: JudgeSeals;
  readonly readStoreFacts: ReadStoreFacts;
  /** Absent where nothing is gathered unasked. */
  readonly gatherBefore?: GatherBefore;
  readonly clock: Clock;
  /** The node's report with the ledger's fields, as Describe answers it. */
  readonly describe: (signal: AbortSignal) => Promise<NodeReport>;
}

/** One step of one operation: everything that it may look at on any node. */
export interface NodeContext {
  readonly node: string;
  readonly operationId: string;
  readonly plan: RestorePlan;
  readonly nodePlan: NodePlan;
  readonly snapshot: SnapshotCard;
  readonly paths: NodePaths;
  /** Components that run here by a manifest or a unit of the plan, in the order of return. */
  readonly components: readonly Component[];
  /** What the ledger held when the step began, oldest first. */
  readonly effects: readonly EffectRecord[];
  readonly ports: StepPorts;
  readonly logger: Logger;
  /** Short, present participle: "pulling". Bytes are 0 where they say nothing. */
  readonly progress: (doing: string, doneBytes?: bigint, totalBytes?: bigint) => void;
}

/** The same on a node with a member; which steps run on no other is the plan's rule (shared/plan/part.ts). */
export interface StepContext extends NodeContext {
  readonly memberPlan: EtcdMemberPlan;
  readonly paths: OperationPaths;
}

export function onMember(context: NodeContext): context is StepContext {
  return context.nodePlan.etcd !== undefined;
}

export interface StepOutcome {
  /** Parts of the answer; a failure in it means that the step did not complete. */
  readonly result?: Partial<StepResult>;
  /** JSON, recorded with the completion. */
  readonly detail?: unknown;
}

/**
 * What an agent does for one step. `perform` converges: it observes and does what is missing, so
 * that doing it again is safe and proves afresh. A handler of a step that everybody takes asks for
 * no more than a NodeContext.
 */
export interface StepHandler {
  /** Observes what must be recorded before the effect. Changes nothing. */
  prepare?(context: StepContext, signal: AbortSignal): Promise<unknown>;
  perform(context: StepContext, intent: unknown, signal: AbortSignal): Promise<StepOutcome>;
  /** The operation ends with this step's completion, in one transaction. */
  readonly ends?: 'undone' | 'closed';
}

/** The first completion of a step that carries a detail; later ones repeat it. */
export function completionOf(effects: readonly EffectRecord[], step: RunnableStep): unknown {
  return effects.find((effect) => effect.step === step && effect.completedMs !== undefined)?.completion;
}

export function wasCompleted(effects: readonly EffectRecord[], step: RunnableStep): boolean {
  return effects.some((effect) => effect.step === step && effect.completedMs !== undefined);
}

export function wasIntended(effects: readonly EffectRecord[], step: RunnableStep): boolean {
  return effects.some((effect) => effect.step === step);
}

/** A part of the plan that this node cannot do without. */
export function required<T>(part: T | undefined, what: string, node: string): T {
  if (part === undefined) {
    throw new LockstepError('PLAN_UNKNOWN', { node, message: `The plan has no ${what} for ${node}.` });
  }
  return part;
}
