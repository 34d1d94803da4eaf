import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import type { AgentConfig } from '../config.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Hosting } from '../ports.ts';
import type { AgentSealing } from '../snapshots/sealing.ts';

/** What the hosting observes and what the ledger says, in one report. */
export function createDescribe({
  hosting,
  ledger,
  config,
  sealing,
  now,
}: {
  readonly hosting: Hosting;
  readonly ledger: Ledger;
  readonly config: AgentConfig;
  readonly sealing: Pick<AgentSealing, 'report'>;
  readonly now: () => number;
}): (signal: AbortSignal) => Promise<NodeReport> {
  return async (signal) => {
    const [report, signing] = await Promise.all([hosting.inspect(signal), sealing.report()]);
    return {
      ...report,
      node: config.node,
      cluster: config.cluster,
      ledgerId: ledger.identity.ledgerId,
      agentVersion: VERSION,
      clockMs: BigInt(now()),
      openOperationId: ledger.openOperation()?.operationId ?? '',
      promised: ledger.promised(),
      advertiseAddress: config.advertise,
      setAsideOperationId: setAsideBy(ledger),
      signing,
    };
  };
}

/**
 * The newest operation that ended as it should says where the node stands; one that was undone, or
 * a re-join that has not ended, left it as it was.
 */
function setAsideBy(ledger: Pick<Ledger, 'operationIds' | 'operation'>): string {
  for (const id of ledger.operationIds().toReversed()) {
    const record = ledger.operation(id);
    if (record === undefined || record.phase === 'undone') continue;
    const { kind } = RestorePlan.decode(record.plan);
    if (record.phase === 'open' && kind === PlanKind.PLAN_KIND_REJOIN) continue;
    return record.phase === 'closed' && kind === PlanKind.PLAN_KIND_SET_ASIDE ? id : '';
  }
  return '';
}
