import type { Clock } from '@lockstep/shared/clock.ts';
import { fromFailure, LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { PlanRevertRequest } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { fullestKept, type KeptOld, keptWarnings, reasonOfKept } from '../core/revert.ts';
import type { Operations } from './operations.ts';
import type { Planner } from './planner.ts';
import type { AgentClient, Agents } from './ports.ts';
import { listSnapshots } from './snapshots.ts';

/** A store of 8 GB is read whole in about a minute, and written in two. */
const READ_TIMEOUT_MS = 15 * 60_000;
const SAVE_TIMEOUT_MS = 30 * 60_000;

export interface RevertsSettings {
  readonly agents: Agents;
  readonly operations: Operations;
  readonly planner: Planner;
  readonly clock: Clock;
}

export interface RevertPlan {
  /** Undefined where there is nothing to make one of. */
  readonly plan: RestorePlan | undefined;
  readonly planSha256: string;
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly Refusal[];
}

/**
 * Takes a restore back by another restore: its snapshot is the OLD that the first one keeps. So
 * OLD is only read, revisions go on rising, and every proof of a restore is made again.
 */
export class Reverts {
  readonly #settings: RevertsSettings;

  constructor(settings: RevertsSettings) {
    this.#settings = settings;
  }

  /** Makes a snapshot of the kept OLD, once; changes nothing live. Throws OPERATION_NOT_FOUND. */
  async plan(request: PlanRevertRequest, requestedBy: string, signal: AbortSignal): Promise<RevertPlan> {
    const { operations, planner } = this.#settings;
    const { operationId } = request;
    if (operationId === '') throw new LockstepError('USAGE', { message: 'No operation is named.' });
    const outcome = operations.records.get(operationId)?.operation.outcome;
    if (outcome === Outcome.OUTCOME_ROLLED_BACK || outcome === Outcome.OUTCOME_REFUSED) {
      const words = `${operationId} was undone: OLD is what serves`;
      return refusedPlan([refusal('REVERT_IMPOSSIBLE', words)]);
    }
    const { found, failures } = await this.#findKept(request, signal);
    const fullest = fullestKept(found.map(({ kept }) => kept));
    const source = found.find(({ kept }) => kept === fullest)?.client;
    if (fullest === undefined || source === undefined) return refusedPlan(whyNone(operationId, failures));
    const snapshotId = await this.#snapshot(source, operationId, signal);
    const planned = await planner.plan({ ...request, snapshotId, into: '' }, requestedBy, signal, {
      reverts: operationId,
    });
    return { ...planned, warnings: [...keptWarnings(fullest), ...planned.warnings] };
  }

  async #findKept(
    { operationId, without, destroyed }: PlanRevertRequest,
    signal: AbortSignal,
  ): Promise<{ found: { client: AgentClient; kept: KeptOld }[]; failures: Failure[] }> {
    const { agents, clock } = this.#settings;
    const found: { client: AgentClient; kept: KeptOld }[] = [];
    const failures: Failure[] = [];
    const asked = agents.known().filter(({ node }) => !without.includes(node) && !destroyed.includes(node));
    await Promise.all(
      asked.map(async (address) => {
        const client = agents.client(address);
        try {
          const kept = await client.describeKept(operationId, clock.deadline(READ_TIMEOUT_MS, signal));
          found.push({ client, kept: { node: address.node, kept } });
        } catch (thrown) {
          failures.push(toFailure(thrown, address.node));
        }
      }),
    );
    signal.throwIfAborted();
    return { found, failures };
  }

  /** The id of a snapshot of what this node keeps; one that was made before is good enough. */
  async #snapshot(source: AgentClient, operationId: string, signal: AbortSignal): Promise<string> {
    const { agents, clock } = this.#settings;
    const reason = reasonOfKept(operationId);
    const { snapshots } = await listSnapshots(agents, signal);
    const earlier = snapshots.find(({ card, node }) => node === source.node && card?.reason === reason)?.card;
    if (earlier !== undefined) return earlier.id;
    const saving = source.saveKept({ operationId, reason }, clock.deadline(SAVE_TIMEOUT_MS, signal));
    for await (const { event } of saving) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case === 'snapshot' && event.value.card !== undefined) return event.value.card.id;
    }
    throw new LockstepError('SAVE_FAILED', {
      node: source.node,
      message: `${source.node} ended without a snapshot of what ${operationId} keeps.`,
    });
  }
}

/** Throws OPERATION_NOT_FOUND where nobody has heard of it. */
function whyNone(operationId: string, failures: readonly Failure[]): Refusal[] {
  const telling = failures.filter(({ code }) => code !== 'OPERATION_NOT_FOUND');
  if (telling.length === 0) {
    throw new LockstepError('OPERATION_NOT_FOUND', {
      message: `No ledger that was read knows ${operationId}.`,
    });
  }
  return telling.map(({ code, message, node }) =>
    code === 'KEPT_MISSING'
      ? refusal('KEPT_MISSING', message, node)
      : refusal('NODE_MISSING', `${node} did not say what it keeps: ${code}: ${message}`, node),
  );
}

function refusedPlan(refusals: readonly Refusal[]): RevertPlan {
  return { plan: undefined, planSha256: '', refusals, warnings: [] };
}
