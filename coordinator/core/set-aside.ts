import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { type LeftOut, PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

/** Who is left out as one ledger's latest operation has it, and how old that word is. */
interface Word {
  readonly plan: RestorePlan;
  readonly isCommitted: boolean;
  readonly leftOut: readonly LeftOut[];
}

/**
 * The operation that goes on without this node, or undefined. The newest word counts: a re-join
 * says it anew, without the node that it brought back. What is set aside already needs it no more.
 */
export function leftOutBy(
  node: string,
  own: ReadLedgerResponse,
  others: readonly ReadLedgerResponse[],
): RestorePlan | undefined {
  if (isSetAside(own)) return undefined;
  const newest = newestWord([own, ...others]);
  return newest?.leftOut.some((each) => each.node === node) === true ? newest.plan : undefined;
}

/** Who is left out of the cluster as it is now. */
export function leftOutNow(ledgers: readonly ReadLedgerResponse[]): readonly LeftOut[] {
  return newestWord(ledgers)?.leftOut ?? [];
}

function newestWord(ledgers: readonly ReadLedgerResponse[]): Word | undefined {
  return ledgers
    .flatMap((ledger) => wordOf(ledger) ?? [])
    .reduce<Word | undefined>(
      (latest, each) => (latest === undefined || isNewer(each, latest) ? each : latest),
      undefined,
    );
}

/** Of one operation a commit is the last word: the others' ledgers have not heard of it yet. */
function isNewer(word: Word, than: Word): boolean {
  const laterMs = word.plan.createdMs - than.plan.createdMs;
  return laterMs === 0n ? word.isCommitted : laterMs > 0n;
}

function wordOf(ledger: ReadLedgerResponse): Word | undefined {
  if (ledger.operationId === '') return undefined;
  const plan = RestorePlan.decode(ledger.plan);
  const isCommitted =
    ledger.state === LedgerState.OPERATION_STATE_COMMITTED ||
    ledger.state === LedgerState.OPERATION_STATE_CLOSED;
  switch (plan.kind) {
    case PlanKind.PLAN_KIND_SET_ASIDE:
      return undefined;
    case PlanKind.PLAN_KIND_REJOIN: {
      const { rejoins } = plan;
      const isBack = isCommitted || rejoins === undefined;
      return { plan, isCommitted, leftOut: isBack ? plan.leftOut : [...plan.leftOut, rejoins] };
    }
    default:
      // Not committed, it left nobody out; but who had no member in OLD was left out before it.
      return {
        plan,
        isCommitted,
        leftOut: plan.leftOut.filter(({ memberId }) => isCommitted || memberId === ''),
      };
  }
}

/** Whether the node's latest operation parked it, or failed to bring it back: nothing of OLD runs there. */
export function isSetAside(ledger: ReadLedgerResponse): boolean {
  if (ledger.state === LedgerState.OPERATION_STATE_CLOSED) return setsAside(ledger);
  if (ledger.state !== LedgerState.OPERATION_STATE_UNDONE) return false;
  const { kind, rejoins } = RestorePlan.decode(ledger.plan);
  return kind === PlanKind.PLAN_KIND_REJOIN && rejoins?.node === ledger.node;
}

/** Whether the ledger's operation is one that sets the node aside, ended or not. */
export function setsAside(ledger: ReadLedgerResponse): boolean {
  return RestorePlan.decode(ledger.plan).kind === PlanKind.PLAN_KIND_SET_ASIDE;
}

export type Belonging = 'old' | 'current' | 'unknown';

/**
 * Which cluster a node's member is of, that bears the name of one left out. A host that was wiped
 * and has joined anew is of the current one, and is nobody's to set aside. Where either id is not
 * known, nothing is: a member that has none yet may be joining.
 */
export function belongingOf(report: NodeReport, currentClusterId: string): Belonging {
  const clusterId = report.etcd?.clusterId ?? '';
  if (clusterId === '' || currentClusterId === '') return 'unknown';
  return clusterId === currentClusterId ? 'current' : 'old';
}

/**
 * A plan of one node and one step. Undefined where the node runs no member: then there is nothing
 * of OLD that could start.
 */
export function setAsidePlan(
  leftOutOf: RestorePlan,
  { node, address, report }: { node: string; address: string; report: NodeReport },
  settings: { operationId: string; nowMs: number; requestedBy: string },
): RestorePlan | undefined {
  const { etcd, kubelet, manifests, ledgerId, apiServer } = report;
  if (etcd === undefined) return undefined;
  return RestorePlan.fromPartial({
    operationId: settings.operationId,
    cluster: leftOutOf.cluster,
    createdMs: BigInt(settings.nowMs),
    requestedBy: settings.requestedBy,
    reason: `${node} was left out of ${leftOutOf.operationId} and is back`,
    kind: PlanKind.PLAN_KIND_SET_ASIDE,
    subjectOperationId: leftOutOf.operationId,
    // Nothing is built: a card of nothing.
    snapshot: SnapshotCard.create(),
    nodes: [
      {
        node,
        address,
        ledgerId,
        etcd: {
          name: etcd.name,
          dataDir: etcd.dataDir,
          walDir: etcd.walDir,
          ...(etcd.store === undefined ? {} : { oldStore: etcd.store }),
          oldMemberId: etcd.memberId,
          initialAdvertisePeerUrls: etcd.initialAdvertisePeerUrls,
          listenClientUrls: etcd.listenClientUrls,
          listenPeerUrls: etcd.listenPeerUrls,
        },
        manifests,
        staticPodPath: kubelet?.staticPodPath ?? '',
        kubeletUnit: kubelet?.unit ?? '',
        apiServerAddress: apiServer?.advertiseAddress ?? '',
        hosting: report.hosting,
        etcdUnit: report.etcdUnit?.unit ?? '',
      },
    ],
  });
}
