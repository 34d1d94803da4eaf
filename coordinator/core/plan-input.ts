import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { EtcdMember, EtcdReport, NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type {
  Consequences,
  LeftOut,
  Override,
  PlaceCure,
} from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type {
  Proof,
  SealedCard,
  SnapshotCard,
  SnapshotFacts,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { InspectedNode } from './inspected-node.ts';
import { isLeftOut, type LeavingOut, leftOutOf } from './left-out.ts';

/** Everything that a plan is made from. What was not learnt is said, never assumed. */
export interface PlanInput {
  readonly operationId: string;
  readonly cluster: string;
  /** Unique for the operation: gives NEW its own cluster id. */
  readonly clusterToken: string;
  readonly nowMs: number;
  /** How long the plan may be run. */
  readonly planExpiryMs: number;
  readonly requestedBy: string;
  readonly reason: string;
  /** 0: no limit. */
  readonly maxOutageMs: bigint;
  readonly overrides: readonly Override[];
  /** Whom the operator leaves out. */
  readonly asked: LeavingOut;
  /** The restore that is taken back; empty: none. */
  readonly reverts: string;
  /** Every node that the coordinator knows of. */
  readonly nodes: readonly InspectedNode[];
  readonly snapshot: InspectedSnapshot;
  readonly consequences: Consequences;
  /** This cluster's name where the snapshot is of another one; else empty. */
  readonly into: string;
  /** What in the snapshot describes other hosts; undefined where nobody could tell, or nobody was asked. */
  readonly cures: readonly PlaceCure[] | undefined;
}

export interface InspectedSnapshot {
  readonly id: string;
  /** Undefined where no holder has a card of that id. */
  readonly card: SnapshotCard | undefined;
  /** The same card as it was sealed; undefined where nobody did. */
  readonly sealed: SealedCard | undefined;
  /** Why the seals do not make it trusted; empty where they do. */
  readonly distrust: readonly Refusal[];
  /** What those who hold it know of it; nothing where left out. */
  readonly proofs?: readonly Proof[];
  readonly copies: readonly InspectedCopy[];
  /** Names of stores that hold it; looked for only where no agent does. */
  readonly inStores?: readonly string[];
}

export interface InspectedCopy {
  readonly node: string;
  readonly address: string;
  /** What its agent read in it now; undefined where it could not. */
  readonly facts: SnapshotFacts | undefined;
  /** Why it must not be used. */
  readonly refusals: readonly Refusal[];
}

/** What a check looks at. */
export interface CheckInput extends PlanInput {
  /** Every known node but those left out. */
  readonly nodes: readonly InspectedNode[];
  /** Of those, the ones with a member or an API server that answered and that were not set aside: the plan's. */
  readonly planned: readonly PlannedNode[];
  /** Of the planned, the ones with a member. */
  readonly members: readonly MemberNode[];
  /** OLD's members that vote, as those who answered list them. */
  readonly voters: readonly EtcdMember[];
  readonly leftOut: readonly LeftOut[];
  /** What is known of the nodes left out, by asking them. */
  readonly leftOutNodes: readonly InspectedNode[];
  /** Of a whole copy; undefined where there is none. */
  readonly facts: SnapshotFacts | undefined;
}

export interface PlannedNode extends InspectedNode {
  readonly report: NodeReport;
}

export interface MemberNode extends PlannedNode {
  readonly report: NodeReport & { readonly etcd: EtcdReport };
}

export function isMember(node: PlannedNode): node is MemberNode {
  return node.report.etcd !== undefined;
}

export function checkInput(input: PlanInput): CheckInput {
  const { asked } = input;
  const nodes = input.nodes.filter(({ node }) => !isLeftOut(node, asked));
  const planned = nodes.filter(isPlanned);
  const members = planned.filter(isMember);
  const listed = members.flatMap(({ report }) => report.etcd.members);
  const everyone = [...new Map(listed.map((member) => [member.id, member])).values()];
  return {
    ...input,
    nodes,
    planned,
    members,
    voters: everyone.filter(({ learner }) => !learner),
    leftOut: leftOutOf(asked, input.nodes, everyone),
    leftOutNodes: input.nodes.filter(({ node }) => isLeftOut(node, asked)),
    facts: input.snapshot.copies.find((copy) => copy.refusals.length === 0 && copy.facts !== undefined)
      ?.facts,
  };
}

/** Workers have nothing of a control plane, and no part in a restore. */
function isPlanned(node: InspectedNode): node is PlannedNode {
  const { report } = node;
  if (report === undefined || report.setAsideOperationId !== '') return false;
  return report.etcd !== undefined || report.apiServer !== undefined;
}
