import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { LeftOut, PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { compareMinor, parseVersion } from './etcd-version.ts';
import type { InspectedNode } from './inspected-node.ts';
import { SPACE_MARGIN_BYTES, WAL_BYTES } from './limits.ts';
import type { MemberNode } from './plan-input.ts';
import { bytesText } from './space.ts';

export interface RejoinInput {
  readonly operationId: string;
  readonly cluster: string;
  readonly nowMs: number;
  readonly planExpiryMs: number;
  readonly requestedBy: string;
  readonly reason: string;
  /** The node to bring back. */
  readonly node: string;
  /** Every known node, that one among them. */
  readonly nodes: readonly InspectedNode[];
  /** The plan that set it aside, from its own ledger; undefined where nothing did. */
  readonly setAside: RestorePlan | undefined;
  /** Who else is left out, as the ledgers say. */
  readonly leftOut: readonly LeftOut[];
}

/** A plan that brings a node back as a new, empty member; with refusals it cannot be run. */
export function makeRejoinPlan(input: RejoinInput): { plan: RestorePlan; refusals: Refusal[] } {
  const joining = input.nodes.find(({ node }) => node === input.node);
  const listed = new Set(
    input.nodes.flatMap(({ report }) =>
      report?.etcd?.serving === true ? report.etcd.members.map(({ name }) => name) : [],
    ),
  );
  // One that was wiped and has joined anew bears its old name, and is out no more.
  const stillOut = input.leftOut.filter(({ node }) => node !== input.node && !listed.has(node));
  const staying = input.nodes.filter(
    ({ node }) => node !== input.node && !stillOut.some((each) => each.node === node),
  );
  const members = staying.filter((node): node is MemberNode => node.report?.etcd !== undefined);
  const refusals = [
    ...joiningRefusals(input, joining),
    ...stayingRefusals(staying, members),
    ...fitRefusals(input.node, joining, members),
  ];
  const [sponsor] = [...members].sort(
    (a, b) => Number(a.report.etcd.leader) - Number(b.report.etcd.leader) || (a.node < b.node ? -1 : 1),
  );
  return { plan: assemble(input, joining, sponsor, stillOut), refusals };
}

function joiningRefusals({ node, setAside }: RejoinInput, joining: InspectedNode | undefined): Refusal[] {
  if (joining === undefined) return [refusal('NODE_MISSING', `there is no node ${node}`, node)];
  const { report, address } = joining;
  if (report === undefined) {
    return [refusal('NODE_MISSING', `the agent of ${node} at ${address} does not answer`, node)];
  }
  if (report.openOperationId !== '') {
    const words = `operation ${report.openOperationId} is open on ${node}`;
    return [refusal('OPERATION_IN_PROGRESS', words, node)];
  }
  if (setAside === undefined || report.setAsideOperationId === '') {
    return [refusal('REJOIN_NOT_SET_ASIDE', `${node} is not set aside`, node)];
  }
  // Where an empty store would begin is said by a manifest, which can be changed for once; a unit's
  // files, its environment and its configuration are an administrator's.
  if (report.hosting === 'systemd') {
    const words = `${node} runs etcd as a unit; such a member is not re-joined`;
    return [refusal('HOSTING_UNSUPPORTED', words, node)];
  }
  return [];
}

function stayingRefusals(staying: readonly InspectedNode[], members: readonly MemberNode[]): Refusal[] {
  if (members.length === 0) return [refusal('NODE_MISSING', 'no agent that answered runs an etcd member')];
  return staying.flatMap(({ node, address, report }): Refusal[] => {
    if (report === undefined) {
      return [refusal('NODE_MISSING', `the agent of ${node} at ${address} does not answer`, node)];
    }
    if (report.openOperationId !== '') {
      const words = `operation ${report.openOperationId} is open on ${node}`;
      return [refusal('OPERATION_IN_PROGRESS', words, node)];
    }
    // One that is aside as well has no member here.
    if (report.etcd === undefined || report.setAsideOperationId !== '' || report.etcd.serving) return [];
    return [refusal('REJOIN_UNHEALTHY', `the member on ${node} does not serve`, node)];
  });
}

function fitRefusals(
  node: string,
  joining: InspectedNode | undefined,
  members: readonly MemberNode[],
): Refusal[] {
  const report = joining?.report;
  const [first] = members;
  if (report?.etcd === undefined || first === undefined) return [];
  const { etcd } = report;
  const found: Refusal[] = [];
  const mismatch = (words: string): void => {
    found.push(refusal('REJOIN_MISMATCH', words, node));
  };
  const listed = first.report.etcd.members;
  const taken = listed.find(
    (member) =>
      member.name === etcd.name || member.peerUrls.some((url) => etcd.initialAdvertisePeerUrls.includes(url)),
  );
  if (taken !== undefined) {
    mismatch(`the cluster has the member ${taken.name || taken.id} (${taken.peerUrls.join(', ')}) already`);
  }
  const learner = listed.find((member) => member.learner);
  if (learner !== undefined) found.push(refusal('MEMBER_LEARNER', `${learner.id} is a learner`));
  const own = parseVersion(etcd.version);
  const theirs = parseVersion(first.report.etcd.version);
  if (own === undefined || theirs === undefined || compareMinor(own, theirs) !== 0) {
    mismatch(`${node} runs etcd ${etcd.version}, ${first.node} runs ${first.report.etcd.version}`);
  }
  if (etcd.caSha256 !== first.report.etcd.caSha256)
    mismatch(`${node} has another etcd CA than ${first.node}`);
  const [api, theirApi] = [report.apiServer, first.report.apiServer];
  if (api?.clusterCaSha256 !== theirApi?.clusterCaSha256) {
    mismatch(`${node} has another cluster CA than ${first.node}`);
  }
  const keys = (list: readonly string[] | undefined): string => [...(list ?? [])].sort().join();
  if (keys(api?.serviceAccountKeySha256) !== keys(theirApi?.serviceAccountKeySha256)) {
    mismatch(`${node} has other service-account keys than ${first.node}`);
  }
  const needed = (first.report.etcd.store?.dbSizeBytes ?? 0n) + WAL_BYTES + SPACE_MARGIN_BYTES;
  const disk = report.disks.find(({ purpose }) => purpose === 'data');
  if (disk !== undefined && disk.freeBytes < needed) {
    const words = `${disk.path} on ${node} has ${bytesText(disk.freeBytes)} free; ${bytesText(needed)} are needed`;
    found.push(refusal('SPACE_TOO_LITTLE', words, node));
  }
  return found;
}

function assemble(
  input: RejoinInput,
  joining: InspectedNode | undefined,
  sponsor: MemberNode | undefined,
  leftOut: readonly LeftOut[],
): RestorePlan {
  const own = input.setAside?.nodes.find(({ node }) => node === input.node);
  const rejoins =
    input.leftOut.find(({ node }) => node === input.node) ?? LeftOut.fromPartial({ node: input.node });
  return RestorePlan.fromPartial({
    operationId: input.operationId,
    cluster: input.cluster,
    createdMs: BigInt(input.nowMs),
    expiresMs: BigInt(input.nowMs + input.planExpiryMs),
    requestedBy: input.requestedBy,
    reason: input.reason,
    kind: PlanKind.PLAN_KIND_REJOIN,
    subjectOperationId: input.setAside?.operationId ?? '',
    // Nothing is built: a card of nothing.
    snapshot: SnapshotCard.create(),
    leftOut: [...leftOut],
    rejoins,
    nodes: [
      ...(sponsor === undefined ? [] : [sponsorPlan(sponsor)]),
      ...(own === undefined || joining?.report === undefined
        ? []
        : [
            {
              ...own,
              address: joining.address,
              ledgerId: joining.report.ledgerId,
              order: 1,
              ...(own.etcd === undefined
                ? {}
                : { etcd: { ...own.etcd, initialCluster: initialClusterOf(own, sponsor) } }),
            },
          ]),
    ],
  });
}

/** All that the sponsor needs is to be told for whom; the paths are there because every plan has them. */
function sponsorPlan({ node, address, report }: MemberNode): Partial<NodePlan> {
  const { etcd, kubelet, ledgerId } = report;
  return {
    node,
    address,
    ledgerId,
    order: 0,
    etcd: {
      name: etcd.name,
      dataDir: etcd.dataDir,
      walDir: etcd.walDir,
      oldStore: etcd.store,
      oldMemberId: etcd.memberId,
      initialCluster: '',
      initialAdvertisePeerUrls: etcd.initialAdvertisePeerUrls,
      listenClientUrls: etcd.listenClientUrls,
      listenPeerUrls: etcd.listenPeerUrls,
    },
    manifests: report.manifests,
    staticPodPath: kubelet?.staticPodPath ?? '',
    kubeletUnit: kubelet?.unit ?? '',
  };
}

/** What etcd wants of one that joins: every member of now, and itself. */
function initialClusterOf(own: NodePlan, sponsor: MemberNode | undefined): string {
  const members = (sponsor?.report.etcd.members ?? []).flatMap(({ name, peerUrls }) =>
    peerUrls.map((url) => `${name}=${url}`),
  );
  const itself = (own.etcd?.initialAdvertisePeerUrls ?? []).map((url) => `${own.etcd?.name ?? ''}=${url}`);
  return [...members, ...itself].sort().join(',');
}

const NEVER_ASKED = LedgerState.OPERATION_STATE_UNSPECIFIED;

/** What a ledger says of this operation, whatever it may say of another. */
export function stateInRejoin(plan: RestorePlan, ledger: ReadLedgerResponse): LedgerState {
  return ledger.operationId === plan.operationId ? ledger.state : NEVER_ASKED;
}

export type RejoinNext =
  | { readonly kind: 'step'; readonly node: string; readonly step: Step }
  | {
      readonly kind: 'ended';
      readonly outcome: typeof Outcome.OUTCOME_RESTORED | typeof Outcome.OUTCOME_ROLLED_BACK;
    }
  /** A ledger is not as any of this leaves it. */
  | { readonly kind: 'impossible' };

/**
 * What is next, from the two ledgers alone, so that whoever takes it up goes on in the right
 * direction. The sponsor's ledger decides: closed, the node votes and everything goes forward;
 * undone, the learner is gone and the node goes back.
 */
export function nextOfRejoin(
  plan: RestorePlan,
  ledgers: ReadonlyMap<string, ReadLedgerResponse>,
  back: boolean,
): RejoinNext {
  const joiner = plan.rejoins?.node ?? '';
  const sponsor = plan.nodes.find(({ node }) => node !== joiner)?.node ?? '';
  const theirs = ledgers.get(sponsor);
  const own = ledgers.get(joiner);
  if (theirs === undefined || own === undefined) return { kind: 'impossible' };
  const next = (node: string, step: Step): RejoinNext => ({ kind: 'step', node, step });
  const done = (ledger: ReadLedgerResponse, step: Step): boolean =>
    ledger.effects.some((effect) => effect.step === step && effect.completedMs > 0n);
  const state = stateInRejoin(plan, own);
  switch (stateInRejoin(plan, theirs)) {
    case LedgerState.OPERATION_STATE_CLOSED:
      if (state === LedgerState.OPERATION_STATE_OPEN) return next(joiner, Step.STEP_REJOIN_SERVE);
      return state === LedgerState.OPERATION_STATE_CLOSED
        ? { kind: 'ended', outcome: Outcome.OUTCOME_RESTORED }
        : { kind: 'impossible' };
    case LedgerState.OPERATION_STATE_UNDONE:
      if (state === LedgerState.OPERATION_STATE_OPEN) return next(joiner, Step.STEP_REJOIN_BACK);
      return state === LedgerState.OPERATION_STATE_UNDONE || state === NEVER_ASKED
        ? { kind: 'ended', outcome: Outcome.OUTCOME_ROLLED_BACK }
        : { kind: 'impossible' };
    case LedgerState.OPERATION_STATE_OPEN: {
      if (state === NEVER_ASKED) return next(sponsor, Step.STEP_REJOIN_BACK);
      if (state !== LedgerState.OPERATION_STATE_OPEN) return { kind: 'impossible' };
      const begunBack = theirs.effects.some(({ step }) => step === Step.STEP_REJOIN_BACK);
      if (back || begunBack) return next(sponsor, Step.STEP_REJOIN_BACK);
      if (!done(theirs, Step.STEP_REJOIN_ADMIT)) return next(sponsor, Step.STEP_REJOIN_ADMIT);
      if (!done(own, Step.STEP_REJOIN_EMPTY)) return next(joiner, Step.STEP_REJOIN_EMPTY);
      if (!done(own, Step.STEP_REJOIN_START)) return next(joiner, Step.STEP_REJOIN_START);
      return next(sponsor, Step.STEP_REJOIN_PROMOTE);
    }
    default:
      return { kind: 'impossible' };
  }
}
