import type { Clock } from '@lockstep/shared/clock.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { fromFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { belongingOf, leftOutBy, setAsidePlan, setsAside } from '../core/set-aside.ts';
import { askAll } from './inventory.ts';
import { describeThrown } from './operation-run.ts';
import type { AgentAddress, Agents } from './ports.ts';

const LEDGER_TIMEOUT_MS = 5_000;
const DESCRIBE_TIMEOUT_MS = 30_000;
const OBSERVE_TIMEOUT_MS = 10_000;
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
    try {
      const report = await agents.client(agent).describe(clock.deadline(DESCRIBE_TIMEOUT_MS, signal));
      // Without a member there is nothing of OLD that could start.
      if (report.etcd === undefined) return true;
      const belonging = belongingOf(report, await this.#currentClusterId(restore, signal));
      if (belonging !== 'old') return belonging === 'current';
      logger.warn({ node: agent.node, operationId: restore.operationId }, 'setting a node aside');
      const plan = this.#plan(agent, report, restore);
      if (plan !== undefined) await this.#carryOut(agent, own, RestorePlan.encode(plan).finish(), signal);
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

  /**
   * Of the cluster as it is now, from who took part in what made it so: others that were left out
   * may be back as well, and serve OLD, or never answer. Empty where none serves.
   */
  async #currentClusterId({ nodes }: RestorePlan, signal: AbortSignal): Promise<string> {
    const { agents, clock } = this.#settings;
    const answers = await askAll(
      agents,
      (client) => client.observeMember(0n, clock.deadline(OBSERVE_TIMEOUT_MS, signal)),
      agents.known().filter((each) => nodes.some(({ node }) => node === each.node)),
    );
    return answers.find(({ result }) => result?.serving === true)?.result?.clusterId ?? '';
  }

  #plan(agent: AgentAddress, report: NodeReport, restore: RestorePlan): RestorePlan | undefined {
    const { clock, coordinatorId } = this.#settings;
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
