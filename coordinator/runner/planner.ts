import { randomBytes } from 'node:crypto';
import type { Clock } from '@lockstep/shared/clock.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  CompareLiveRequest,
  CompareLiveResponse,
  EncryptionVerdict,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { PlanRestoreRequest } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { Consequences, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { EncryptionUse } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { makePlan } from '../core/plan.ts';
import type { Copying } from './copying.ts';
import { inspectedSnapshot } from './inspected-snapshot.ts';
import { inspectNodes } from './inventory.ts';
import { describeThrown } from './operation-run.ts';
import type { Agents, Plans, StoredPlan } from './ports.ts';
import type { Sealing } from './sealing.ts';
import { findHolders, type Holding, verifyCopies } from './snapshots.ts';

const ENCRYPTION_TIMEOUT_MS = 60_000;
/** The whole live store is listed and its differences read. */
const COMPARE_TIMEOUT_MS = 5 * 60_000;

export interface PlannerSettings {
  readonly cluster: string;
  readonly planExpiryMs: number;
  readonly agents: Agents;
  readonly plans: Plans;
  readonly sealing: Pick<Sealing, 'trust'>;
  /** Left out where there are no stores. */
  readonly copying?: Pick<Copying, 'storesThatHold'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Gathers what a plan is made from, has the core make it, and keeps it until it expires. Changes nothing. */
export class Planner {
  readonly #settings: PlannerSettings;

  constructor(settings: PlannerSettings) {
    this.#settings = settings;
  }

  async plan(
    request: PlanRestoreRequest,
    requestedBy: string,
    signal: AbortSignal,
    options: { readonly reverts?: string } = {},
  ): Promise<StoredPlan & { readonly plan: RestorePlan }> {
    const { agents, clock, cluster, planExpiryMs, plans, copying, sealing } = this.#settings;
    if (request.snapshotId === '') throw new LockstepError('USAGE', { message: 'No snapshot is named.' });
    const [nodes, holders, trust] = await Promise.all([
      inspectNodes(agents, clock, signal),
      findHolders(agents, request.snapshotId, signal),
      sealing.trust(signal),
    ]);
    const verdicts = await verifyCopies(holders, request.snapshotId, signal);
    const held = inspectedSnapshot(request.snapshotId, holders, verdicts, trust);
    const snapshot =
      holders.length > 0
        ? held
        : { ...held, inStores: (await copying?.storesThatHold(request.snapshotId, signal)) ?? [] };
    const { copies } = snapshot;
    const whole = copies.find((copy) => copy.refusals.length === 0 && copy.facts !== undefined);
    const wholeHolders = holders.filter(({ client }) =>
      copies.some((copy) => copy.node === client.node && copy.refusals.length === 0),
    );
    const serving = new Set(
      nodes.flatMap((node) => (node.report?.etcd?.serving === true ? [node.node] : [])),
    );
    const [encryption, compared] = await Promise.all([
      this.#checkEncryption(
        nodes.filter((node) => node.report?.apiServer !== undefined),
        whole?.facts?.encryption ?? [],
        signal,
      ),
      this.#compare(
        wholeHolders.filter((each) => serving.has(each.client.node)),
        { snapshotId: request.snapshotId, anotherPlace: request.into !== '' },
        signal,
      ),
    ]);

    const nowMs = clock.nowMs();
    const operationId = timedId('r', nowMs);
    const { plan, refusals, warnings } = makePlan({
      operationId,
      cluster,
      clusterToken: `lockstep-${operationId}-${randomBytes(8).toString('hex')}`,
      nowMs,
      planExpiryMs,
      requestedBy,
      reason: request.reason,
      maxOutageMs: request.maxOutageMs,
      overrides: request.overrides,
      asked: { without: request.without, destroyed: request.destroyed },
      reverts: options.reverts ?? '',
      nodes: nodes.map((node) => ({ ...node, encryption: encryption.get(node.node) ?? [] })),
      snapshot,
      into: request.into,
      consequences: compared?.consequences ?? Consequences.fromPartial({ known: false }),
      cures: compared?.cures,
    });
    const planBytes = RestorePlan.encode(plan).finish();
    const stored: StoredPlan = {
      operationId,
      planSha256: sha256Hex(planBytes),
      planBytes,
      refusals,
      warnings,
      approval: undefined,
      expiresMs: Number(plan.expiresMs),
    };
    await plans.put(stored);
    return { ...stored, plan };
  }

  /** Every node with an API server tries its own keys on a sample of each kind. */
  async #checkEncryption(
    nodes: readonly { node: string; address: string }[],
    uses: readonly EncryptionUse[],
    signal: AbortSignal,
  ): Promise<Map<string, EncryptionVerdict[]>> {
    const tried = uses.filter((use) => use.provider !== '');
    const verdicts = new Map<string, EncryptionVerdict[]>();
    if (tried.length === 0) return verdicts;
    await Promise.all(
      nodes.map(async ({ node, address }) => {
        try {
          const client = this.#settings.agents.client({ node, address });
          verdicts.set(
            node,
            await client.checkEncryption(tried, this.#settings.clock.deadline(ENCRYPTION_TIMEOUT_MS, signal)),
          );
        } catch (thrown) {
          // Without a verdict the check refuses: what was not tried is not known to open.
          this.#settings.logger.warn({ node, ...describeThrown(thrown) }, 'encryption was not tried');
        }
      }),
    );
    return verdicts;
  }

  /** By the first of these holders that can tell. Not knowing is said in the plan. */
  async #compare(
    serving: readonly Holding[],
    request: CompareLiveRequest,
    signal: AbortSignal,
  ): Promise<CompareLiveResponse | undefined> {
    for (const { client } of serving) {
      try {
        return await client.compareLive(request, this.#settings.clock.deadline(COMPARE_TIMEOUT_MS, signal));
      } catch (thrown) {
        this.#settings.logger.warn(
          { node: client.node, ...describeThrown(thrown) },
          'live store not compared',
        );
      }
    }
    return undefined;
  }
}
