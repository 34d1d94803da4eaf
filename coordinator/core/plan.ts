import { isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RefusalClass } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { EtcdMember } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type {
  Baseline,
  EtcdMemberPlan,
  NodePlan,
  Override,
  RevisionBump,
} from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { driftFields, driftSha256 } from '@lockstep/shared/plan/drift.ts';
import { approvalNeeds } from './approval.ts';
import { CHECKS } from './checks/index.ts';
import { isMemberOf } from './checks/members.ts';
import { canBump, parseVersion } from './etcd-version.ts';
import { REVISION_MARGIN } from './limits.ts';
import { expectedOutageMs } from './outage.ts';
import {
  type CheckInput,
  checkInput,
  isMember,
  type MemberNode,
  type PlanInput,
  type PlannedNode,
} from './plan-input.ts';
import { majorityOf } from './quorum.ts';
import { spaceNeed } from './space.ts';
import { restoreTool } from './tool.ts';

export interface PlanResult {
  readonly plan: RestorePlan;
  /** Not empty: the plan cannot be run. */
  readonly refusals: readonly Refusal[];
  /** Refusals that were overridden, and what a person should read before running. */
  readonly warnings: readonly Refusal[];
}

/**
 * Everything that a restore will do, decided before anything is done. With refusals the plan is
 * as far as it could be made: for a person to read, not to run.
 */
export function makePlan(input: PlanInput): PlanResult {
  const known = checkInput(input);
  const objections = CHECKS.flatMap((check) => check(known));
  const overridden = (objection: Refusal): boolean =>
    OVERRIDABLE.has(objection.class) &&
    input.overrides.some((override) => override.code === objection.code && override.reason.trim() !== '');
  const refusals = objections.filter((objection) => !overridden(objection));
  const used = input.overrides.filter((override) =>
    objections.some((objection) => objection.code === override.code && overridden(objection)),
  );
  return {
    plan: assemble(known, used),
    refusals,
    warnings: [...objections.filter(overridden), ...warningsOf(known)],
  };
}

/** A second person's approval is asked for when the plan is to be run. */
const OVERRIDABLE: ReadonlySet<RefusalClass> = new Set([
  RefusalClass.REFUSAL_CLASS_WITH_REASON,
  RefusalClass.REFUSAL_CLASS_SECOND_PERSON,
]);

function assemble(input: CheckInput, overrides: readonly Override[]): RestorePlan {
  const { facts, members, planned, leftOut } = input;
  const order = workOrder(planned);
  const initialCluster = initialClusterOf(order.filter(isMember));
  const bump = facts === undefined ? undefined : bumpOf(members, facts);
  const startMembersInTurn = members.some((node) => node.report.etcd.initialCorruptCheck);
  return {
    operationId: input.operationId,
    cluster: input.cluster,
    createdMs: BigInt(input.nowMs),
    expiresMs: BigInt(input.nowMs + input.planExpiryMs),
    requestedBy: input.requestedBy,
    reason: input.reason,
    snapshot: input.snapshot.card,
    sealedSnapshot: input.snapshot.sealed,
    sources: input.snapshot.copies
      .filter((copy) => copy.refusals.length === 0)
      .map(({ node, address }) => ({ node, address })),
    nodes: order.map((node, index) => nodePlan(node, index, initialCluster, facts)),
    clusterToken: input.clusterToken,
    bump,
    consequences: input.consequences,
    maxOutageMs: input.maxOutageMs,
    expectedOutageMs: BigInt(expectedOutageMs(members.length, startMembersInTurn)),
    overrides: [...overrides],
    baseline: baselineOf(input),
    startMembersInTurn,
    alarmsToDisarm: (facts?.alarms ?? []).filter((alarm) => alarm === 'NOSPACE'),
    leftOut: [...leftOut],
    approvalNeeds: approvalNeeds(leftOut, overrides),
    kind: PlanKind.PLAN_KIND_UNSPECIFIED,
    subjectOperationId: input.reverts,
    rejoins: undefined,
    fromCluster: input.into === '' ? '' : (input.snapshot.card?.cluster ?? ''),
    cures: input.into === '' ? [] : [...(input.cures ?? [])],
  };
}

/** Followers first by name, OLD's leader last; after them those without a member, which wait for it. */
function workOrder(nodes: readonly PlannedNode[]): PlannedNode[] {
  const rank = ({ report }: PlannedNode): number =>
    report.etcd === undefined ? 2 : Number(report.etcd.leader);
  return [...nodes].sort((a, b) => rank(a) - rank(b) || (a.node < b.node ? -1 : 1));
}

function nodePlan(
  node: PlannedNode,
  order: number,
  initialCluster: string,
  facts: SnapshotFacts | undefined,
): NodePlan {
  const { report } = node;
  // Only where there is a member is anything staged or built.
  const need = facts === undefined || !isMember(node) ? undefined : spaceNeed(facts);
  const fields = driftFields(report);
  return {
    node: node.node,
    address: node.address,
    ledgerId: report.ledgerId,
    order,
    etcd: isMember(node) ? memberPlan(node, initialCluster) : undefined,
    manifests: report.manifests,
    staticPodPath: report.kubelet?.staticPodPath ?? '',
    kubeletUnit: report.kubelet?.unit ?? '',
    driftSha256: driftSha256(fields),
    driftFields: fields,
    etcdutl: isMember(node) ? restoreTool(node) : undefined,
    neededBytes: need === undefined ? 0n : need.dataBytes + need.stateBytes,
    apiServerAddress: report.apiServer?.advertiseAddress ?? '',
    hosting: report.hosting,
    etcdUnit: isMember(node) ? (report.etcdUnit?.unit ?? '') : '',
  };
}

function memberPlan(node: MemberNode, initialCluster: string): EtcdMemberPlan {
  const { etcd } = node.report;
  return {
    name: etcd.name,
    dataDir: etcd.dataDir,
    walDir: etcd.walDir,
    oldStore: etcd.store,
    oldMemberId: etcd.memberId,
    initialCluster,
    initialAdvertisePeerUrls: peerUrlsOf(node),
    listenClientUrls: etcd.listenClientUrls,
    listenPeerUrls: etcd.listenPeerUrls,
  };
}

/**
 * The same text on every node: `name=peerURL` of all, from the membership itself, because the
 * manifests say what was true when each node joined.
 */
function initialClusterOf(members: readonly MemberNode[]): string {
  return members
    .flatMap((node) => peerUrlsOf(node).map((url) => `${node.report.etcd.name}=${url}`))
    .sort()
    .join(',');
}

function peerUrlsOf(node: MemberNode): string[] {
  const listed = node.report.etcd.members.find((member) => isMemberOf(node, member))?.peerUrls ?? [];
  return listed.length > 0 ? listed : node.report.etcd.initialAdvertisePeerUrls;
}

/**
 * NEW's head lies above everything that any watcher can have seen. The files of a member that does
 * not answer may lack what only its raft log holds: at most one revision an entry.
 */
export function bumpOf(members: readonly MemberNode[], facts: SnapshotFacts): RevisionBump | undefined {
  const able = members.every((node) => {
    const version = parseVersion(restoreTool(node)?.version ?? '');
    return version !== undefined && canBump(version);
  });
  if (!able) return undefined;
  const snapshotRevision = facts.status?.revision ?? 0n;
  const highest = members.reduce((revision, { report }) => {
    const { etcd } = report;
    const bound = etcd.serving ? etcd.revision : etcd.revision + etcd.raftIndex;
    return max(revision, bound);
  }, snapshotRevision);
  const toRevision = highest + REVISION_MARGIN;
  return { by: toRevision - snapshotRevision, toRevision };
}

/** OLD as it is now: what undo must bring back. */
function baselineOf({ members, voters }: CheckInput): Baseline {
  const serving = members.filter((node) => node.report.etcd.serving);
  const quorum = majorityOf(Math.max(members.length, voters.length));
  const lists = members.map((node) => node.report.etcd.members).filter((list) => list.length > 0);
  const list: EtcdMember[] = lists[0] ?? [];
  return {
    serving: serving.length >= quorum,
    etcdClusterId: members.find((node) => node.report.etcd.clusterId !== '')?.report.etcd.clusterId ?? '',
    members: list,
    revision: members.reduce((revision, node) => max(revision, node.report.etcd.revision), 0n),
  };
}

/** What refuses nothing but should be read: a copy that is no good, consequences that nobody knows. */
function warningsOf(input: CheckInput): Refusal[] {
  const bad = input.facts === undefined ? [] : input.snapshot.copies.flatMap((copy) => copy.refusals);
  const unreachable = input.planned.flatMap(({ node, report }) =>
    report.failures
      .filter(({ code }) => code === 'ETCD_UNREACHABLE' || code === 'API_NOT_READY')
      .map(({ code, message }) => (isErrorCode(code) ? refusal(code, message, node) : undefined))
      .filter((each) => each !== undefined),
  );
  return [...bad, ...unreachable];
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
