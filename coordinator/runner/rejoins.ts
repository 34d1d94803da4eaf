import type { Clock } from '@lockstep/shared/clock.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { PlanRejoinRequest } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import { makeRejoinPlan } from '../core/rejoin.ts';
import { leftOutNow } from '../core/set-aside.ts';
import { askAll, inspectNodes } from './inventory.ts';
import type { Agents, Plans, StoredPlan } from './ports.ts';

const LEDGER_TIMEOUT_MS = 10_000;

export interface RejoinsSettings {
  readonly cluster: string;
  readonly planExpiryMs: number;
  readonly agents: Agents;
  readonly plans: Plans;
  readonly clock: Clock;
}

/** Gathers what a re-join is planned from, and keeps the plan. Changes nothing. */
export class Rejoins {
  readonly #settings: RejoinsSettings;

  constructor(settings: RejoinsSettings) {
    this.#settings = settings;
  }

  async plan(
    { node, reason }: PlanRejoinRequest,
    requestedBy: string,
    signal: AbortSignal,
  ): Promise<StoredPlan & { readonly plan: RestorePlan }> {
    const { agents, clock, cluster, planExpiryMs, plans } = this.#settings;
    if (node === '') throw new LockstepError('USAGE', { message: 'No node is named.' });
    const [nodes, answers] = await Promise.all([
      inspectNodes(agents, clock, signal),
      askAll(agents, (client) => client.readLedger('', clock.deadline(LEDGER_TIMEOUT_MS, signal))),
    ]);
    const joining = nodes.find((each) => each.node === node);
    const nowMs = clock.nowMs();
    const { plan, refusals } = makeRejoinPlan({
      operationId: timedId('r', nowMs),
      cluster,
      nowMs,
      planExpiryMs,
      requestedBy,
      reason,
      node,
      nodes: nodes.map((each) => ({ ...each, encryption: [] })),
      setAside: await this.#setAside(joining?.report?.setAsideOperationId ?? '', node, signal),
      leftOut: leftOutNow(answers.flatMap(({ result }) => result ?? [])),
    });
    const planBytes = RestorePlan.encode(plan).finish();
    const stored: StoredPlan = {
      operationId: plan.operationId,
      planSha256: sha256Hex(planBytes),
      planBytes,
      refusals,
      warnings: [],
      approval: undefined,
      expiresMs: Number(plan.expiresMs),
    };
    await plans.put(stored);
    return { ...stored, plan };
  }

  /** The plan under which the node parked what it had, as its own ledger has it. */
  async #setAside(operationId: string, node: string, signal: AbortSignal): Promise<RestorePlan | undefined> {
    const { agents, clock } = this.#settings;
    const address = agents.known().find((each) => each.node === node);
    if (operationId === '' || address === undefined) return undefined;
    const ledger: ReadLedgerResponse = await agents
      .client(address)
      .readLedger(operationId, clock.deadline(LEDGER_TIMEOUT_MS, signal));
    return RestorePlan.decode(ledger.plan);
  }
}
