import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

/** A committed operation as a ledger holds it. */
interface Committed {
  readonly plan: RestorePlan;
  readonly createdMs: bigint;
}

/**
 * The restore that goes on without this node, or undefined: the newest operation that any ledger
 * holds as committed says who is left out. A re-join says it anew, without the node that it
 * brought back; and what is set aside already needs it no more.
 */
export function leftOutBy(
  node: string,
  own: ReadLedgerResponse,
  others: readonly ReadLedgerResponse[],
): RestorePlan | undefined {
  if (isSetAside(own)) return undefined;
  const newest = [own, ...others]
    .flatMap((ledger): Committed[] => {
      if (!isCommitted(ledger)) return [];
      const plan = RestorePlan.decode(ledger.plan);
      return plan.kind === PlanKind.PLAN_KIND_SET_ASIDE ? [] : [{ plan, createdMs: plan.createdMs }];
    })
    .reduce<Committed | undefined>(
      (latest, each) => (latest === undefined || each.createdMs > latest.createdMs ? each : latest),
      undefined,
    );
  return newest?.plan.leftOut.some((each) => each.node === node) === true ? newest.plan : undefined;
}

/** Whether the node's latest operation parked it: nothing of OLD runs there. */
export function isSetAside(ledger: ReadLedgerResponse): boolean {
  return ledger.state === LedgerState.OPERATION_STATE_CLOSED && setsAside(ledger);
}

/** Whether the ledger's operation is one that sets the node aside, ended or not. */
export function setsAside(ledger: ReadLedgerResponse): boolean {
  return RestorePlan.decode(ledger.plan).kind === PlanKind.PLAN_KIND_SET_ASIDE;
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
      },
    ],
  });
}

function isCommitted({ operationId, state }: ReadLedgerResponse): boolean {
  return (
    operationId !== '' &&
    (state === LedgerState.OPERATION_STATE_COMMITTED || state === LedgerState.OPERATION_STATE_CLOSED)
  );
}
