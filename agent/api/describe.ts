import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { PlanKind, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import type { AgentConfig } from '../config.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OperationRecord } from '../ledger/records.ts';
import type { Hosting } from '../ports.ts';

/** What the hosting observes and what the ledger says, in one report. */
export function createDescribe({
  hosting,
  ledger,
  config,
  now,
}: {
  readonly hosting: Hosting;
  readonly ledger: Ledger;
  readonly config: AgentConfig;
  readonly now: () => number;
}): (signal: AbortSignal) => Promise<NodeReport> {
  return async (signal) => {
    const report = await hosting.inspect(signal);
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
      setAsideOperationId: setAsideBy(ledger.latestOperation()),
    };
  };
}

/** Whatever closed later brought the node back, so only the latest operation can have set it aside. */
function setAsideBy(latest: OperationRecord | undefined): string {
  if (latest?.phase !== 'closed') return '';
  return RestorePlan.decode(latest.plan).kind === PlanKind.PLAN_KIND_SET_ASIDE ? latest.operationId : '';
}
