import type { Clock } from '@lockstep/shared/clock.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { fromFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { leftOutBy, setAsidePlan, setsAside } from '../core/set-aside.ts';
import { askAll } from './inventory.ts';
import { describeThrown } from './operation-run.ts';
import type { AgentAddress, Agents } from './ports.ts';

const LEDGER_TIMEOUT_MS = 5_000;
const DESCRIBE_TIMEOUT_MS = 30_000;
const PROMISE_TIMEOUT_MS = 10_000;
/** Kubelet's and the runtime's own time to stop what runs, with room. */
const STEP_TIMEOUT_MS = 120_000;

export interface SettingAsideSettings {
  /** Who holds the epochs: of this run of the program alone. */
  readonly coordinatorId: string;
  readonly agents: Agents;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Parks a node that comes back after a restore went on without it. One node, one step that
 * converges: what was cut short is done again at the next look. Neither the others nor the order
 * of steps between nodes have a part in it.
 */
export class SettingAside {
  readonly #settings: SettingAsideSettings;

  constructor(settings: SettingAsideSettings) {
    this.#settings = settings;
  }

  /** True where nothing is left to do on this node; false where it must be looked at again. */
  async look(agent: AgentAddress, own: ReadLedgerResponse, signal: AbortSignal): Promise<boolean> {
    const { agents, clock, logger } = this.#settings;
    // Not what was read before: a restore may have come and gone since.
    const answers = await askAll(agents, (client) =>
      client.readLedger('', clock.deadline(LEDGER_TIMEOUT_MS, signal)),
    );
    const others = answers.flatMap(({ client, result }) =>
      result === undefined || client.node === agent.node ? [] : [result],
    );
    const restore = leftOutBy(agent.node, own, others);
    if (restore === undefined) return true;
    logger.warn({ node: agent.node, operationId: restore.operationId }, 'setting a node aside');
    try {
      const plan = await this.#plan(agent, restore, signal);
      if (plan === undefined) return true;
      await this.#carryOut(agent, own, RestorePlan.encode(plan).finish(), signal);
      return true;
    } catch (thrown) {
      if (!signal.aborted) logger.error({ node: agent.node, ...describeThrown(thrown) }, 'not set aside yet');
      return false;
    }
  }

  /** Goes on with what another run of a coordinator began. Throws what the agent refuses. */
  async resume(agent: AgentAddress, own: ReadLedgerResponse, signal: AbortSignal): Promise<void> {
    if (!setsAside(own)) throw new Error(`${own.operationId} sets nobody aside`);
    await this.#carryOut(agent, own, own.plan, signal);
  }

  async #plan(
    agent: AgentAddress,
    restore: RestorePlan,
    signal: AbortSignal,
  ): Promise<RestorePlan | undefined> {
    const { agents, clock, coordinatorId } = this.#settings;
    const report = await agents.client(agent).describe(clock.deadline(DESCRIBE_TIMEOUT_MS, signal));
    const nowMs = clock.nowMs();
    return setAsidePlan(
      restore,
      { ...agent, report },
      {
        operationId: timedId('a', nowMs),
        nowMs,
        requestedBy: `lockstep://${restore.cluster}/coordinator/${coordinatorId}`,
      },
    );
  }

  async #carryOut(
    agent: AgentAddress,
    own: ReadLedgerResponse,
    planBytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const { agents, clock, coordinatorId, logger } = this.#settings;
    const client = agents.client(agent);
    const { operationId } = RestorePlan.decode(planBytes);
    const epoch = { number: (own.promised?.number ?? 0n) + 1n, coordinatorId };
    await client.promise(
      { epoch, operationId, plan: Buffer.from(planBytes), ledgerId: own.ledgerId },
      clock.deadline(PROMISE_TIMEOUT_MS, signal),
    );
    const { failure } = await client.execute(
      {
        epoch,
        operationId,
        planSha256: sha256Hex(planBytes),
        step: Step.STEP_SET_ASIDE,
        timeoutMs: BigInt(STEP_TIMEOUT_MS),
      },
      () => undefined,
      clock.deadline(STEP_TIMEOUT_MS, signal),
    );
    if (failure !== undefined) throw fromFailure(failure);
    logger.warn({ node: agent.node, operationId }, 'set aside: its OLD is kept, and it starts nothing');
  }
}
