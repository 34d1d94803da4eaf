import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@grpc/grpc-js';
import { loadContext } from '@lockstep/coordinator/cli/config.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Outcome, type Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import {
  type Operation,
  OperatorServiceService,
  PlanRestoreRequest,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { connect, unary } from '@lockstep/shared/transport/client.ts';
import type { Lab } from '../../lab/lab.ts';

const CALL_TIMEOUT_MS = 30_000;
const POLL_MS = 100;
const END_TIMEOUT_MS = 300_000;

export interface AcceptedPlan {
  readonly operationId: string;
  readonly planSha256: string;
  readonly plan: RestorePlan;
  /** How often a plan was asked for until there was one without a refusal. */
  readonly attempts: number;
}

export interface End {
  readonly outcome: 'restored' | 'rolled-back' | 'refused' | 'needs-operator';
  readonly operation: Operation;
}

const OUTCOMES: Partial<Record<Outcome, End['outcome']>> = {
  [Outcome.OUTCOME_RESTORED]: 'restored',
  [Outcome.OUTCOME_ROLLED_BACK]: 'rolled-back',
  [Outcome.OUTCOME_REFUSED]: 'refused',
  [Outcome.OUTCOME_NEEDS_OPERATOR]: 'needs-operator',
};

/**
 * A person who asks again where nobody answers, and who otherwise does nothing: the coordinator is
 * started again as its service manager would, and the rest is the programs' own work.
 */
export class PatientOperator implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #client: Client;
  readonly #stop = new AbortController();
  readonly #restarting: Promise<void>;
  /** How often the coordinator had to be started again. */
  restarts = 0;

  private constructor(lab: Lab, client: Client) {
    this.#lab = lab;
    this.#client = client;
    this.#restarting = this.#restartCoordinator();
  }

  static async of(lab: Lab): Promise<PatientOperator> {
    const context = await loadContext({ file: lab.commandLineConfig, environment: {} });
    const expected = { cluster: context.cluster, role: 'coordinator' } as const;
    return new PatientOperator(lab, connect({ address: context.coordinator, tls: context.tls, expected }));
  }

  /** A plan that nothing refuses. One that is refused because somebody just died is asked for again. */
  async plan(snapshotId: string, maxOutageMs = 0): Promise<AcceptedPlan> {
    const request = PlanRestoreRequest.fromPartial({
      snapshotId,
      reason: 'matrix',
      maxOutageMs: BigInt(maxOutageMs),
    });
    return this.#insist('a plan without a refusal', async (attempts) => {
      const { plan, planSha256, refusals } = await this.#call(OperatorServiceService.planRestore, request);
      if (plan === undefined || refusals.length > 0) throw new Error(wordsOf(refusals));
      return { operationId: plan.operationId, planSha256, plan, attempts };
    });
  }

  /** Runs it to its end, by whoever brings it there. */
  async run({ operationId, planSha256 }: AcceptedPlan): Promise<End> {
    await this.#insist(`${operationId} begins`, async () => {
      const request = { operationId, planSha256, confirmCluster: this.#lab.clusterName };
      const { refusals } = await this.#call(OperatorServiceService.runRestore, request);
      // An answer that was lost was an answer: it runs, or has run.
      const begun = refusals.some(
        ({ code, message }) => code === 'OPERATION_ENDED' || message.includes(operationId),
      );
      if (refusals.length > 0 && !begun) throw new Error(wordsOf(refusals));
    });
    return this.#insist(`${operationId} ends`, async () => {
      const { operation } = await this.#call(OperatorServiceService.getOperation, { operationId });
      const outcome = OUTCOMES[operation?.outcome ?? Outcome.OUTCOME_UNSPECIFIED];
      if (operation === undefined || outcome === undefined) throw new Error('it goes on');
      return { outcome, operation };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#client.close();
    await this.#restarting;
  }

  async #insist<T>(what: string, body: (attempt: number) => Promise<T>): Promise<T> {
    const untilMs = Date.now() + END_TIMEOUT_MS;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await body(attempt);
      } catch (cause) {
        if (cause instanceof LockstepError && cause.code === 'NOT_AUTHENTICATED') throw cause;
        if (Date.now() > untilMs) throw new Error(`not so after ${END_TIMEOUT_MS} ms: ${what}`, { cause });
        await delay(POLL_MS);
      }
    }
  }

  #call<Request, Response>(
    method: Parameters<typeof unary<Request, Response>>[1],
    request: Request,
  ): Promise<Response> {
    return unary(this.#client, method, request, AbortSignal.timeout(CALL_TIMEOUT_MS));
  }

  /** `Restart=always`. */
  async #restartCoordinator(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await delay(POLL_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      if (this.#stop.signal.aborted || this.#lab.coordinator.running !== undefined) continue;
      this.restarts += 1;
      await this.#lab.coordinator.start();
    }
  }
}

function wordsOf(refusals: readonly Refusal[]): string {
  return refusals.map(({ code, node, message }) => `${code} ${node}: ${message}`).join('; ');
}
