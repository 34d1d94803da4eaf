import type { Clock } from '@lockstep/shared/clock.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import type { ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Operation, OperationReport } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { type Observation, observeOperation } from '../core/observed.ts';
import { setsAside } from '../core/set-aside.ts';
import { askAll } from './inventory.ts';
import type { Agents } from './ports.ts';

/** A person waits for it, and one node may be gone for good. */
const LEDGER_TIMEOUT_MS = 3_000;

export interface ObservedOperation {
  readonly operation: Operation;
  readonly plan: RestorePlan;
  readonly planSha256: string;
  readonly report: OperationReport | undefined;
}

/** Operations as the agents' ledgers show them, for a coordinator that does not run them. Changes nothing. */
export class LedgerObserver {
  readonly #agents: Agents;
  readonly #clock: Clock;

  constructor(agents: Agents, clock: Clock) {
    this.#agents = agents;
    this.#clock = clock;
  }

  /** The open or else the latest operation of every agent that answers. */
  async latest(signal: AbortSignal): Promise<ObservedOperation[]> {
    const ids = new Set(
      [...(await this.#read('', signal)).values()].flatMap((each) =>
        typeof each === 'object' && isOperators(each) ? [each.operationId] : [],
      ),
    );
    const observed = await Promise.all([...ids].map((id) => this.observe(id, signal)));
    return observed.filter((each) => each !== undefined);
  }

  /** Undefined where no agent that answers knows it. */
  async observe(operationId: string, signal: AbortSignal): Promise<ObservedOperation | undefined> {
    const observations = await this.#read(operationId, signal);
    const held = [...observations.values()].find(
      (each): each is ReadLedgerResponse =>
        typeof each === 'object' && each.operationId === operationId && isOperators(each),
    );
    if (held === undefined) return undefined;
    const plan = RestorePlan.decode(held.plan);
    return { ...observeOperation(plan, observations), plan, planSha256: sha256Hex(held.plan) };
  }

  async #read(operationId: string, signal: AbortSignal): Promise<Map<string, Observation>> {
    const answers = await askAll(this.#agents, (client) =>
      client.readLedger(operationId, this.#clock.deadline(LEDGER_TIMEOUT_MS, signal)),
    );
    return new Map(
      answers.map(({ client, result, failure }): [string, Observation] => [
        client.node,
        result ?? (failure?.code === 'OPERATION_NOT_FOUND' ? 'unknown' : 'absent'),
      ]),
    );
  }
}

/** Asked for by a person; a node is set aside by itself. */
function isOperators(ledger: ReadLedgerResponse): boolean {
  return ledger.operationId !== '' && ledger.plan.length > 0 && !setsAside(ledger);
}
