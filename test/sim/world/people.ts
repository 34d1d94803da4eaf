import type { SimCoordinator } from './coordinator.ts';
import { CLUSTER } from './plan.ts';
import type { SimWorld } from './world.ts';

const LEAD_CHECK_MS = 5_000;
const MOST_STARTS = 12;

/** Whoever acts from outside: the operator, the clients of the API, and the vote on who leads. */
export class People {
  readonly #world: SimWorld;
  #starts = 0;
  /** Code of the refusal that the operator was answered last. */
  refused = '';

  constructor(world: SimWorld) {
    this.#world = world;
  }

  begin(): void {
    const { scheduler } = this.#world;
    scheduler.at(50, undefined, 'client', 'write', -1, -1, () => this.#write());
    scheduler.at(10, undefined, 'process', 'operator starts', -1, -1, () => this.#start());
    this.#voteLater();
  }

  /** The operator has tried as often as anybody would. */
  get hasGivenUp(): boolean {
    return this.#starts >= MOST_STARTS;
  }

  /** Tells whoever leads to run the plan, again where that came to nothing. */
  #start(): void {
    const { scheduler, random, planned, coordinators } = this.#world;
    if (this.#world.isKnown || this.hasGivenUp) return;
    this.#starts += 1;
    const delayMs = random.between(8_000, 15_000);
    scheduler.at(delayMs, undefined, 'process', 'operator looks', -1, -1, () => this.#start());
    const run = coordinators.find((each) => each.leads && each.up && !each.paused)?.run_;
    if (run === undefined) return;
    const { plan, planBytes, planSha256 } = planned;
    const { operationId } = plan;
    const stored = {
      operationId,
      planSha256,
      planBytes,
      refusals: [],
      warnings: [],
      approval:
        plan.approvalNeeds.length === 0
          ? undefined
          : { approvedBy: 'second person', approvedMs: 0n, planSha256, reason: 'simulated' },
      expiresMs: Number(plan.expiresMs),
    };
    const request = { operationId, planSha256, confirmCluster: CLUSTER };
    void run.operations.start(stored, request, run.stop.signal).then(
      (refusals) => {
        this.refused = refusals[0]?.code ?? '';
      },
      () => undefined,
    );
  }

  #write(): void {
    const { scheduler, random, nodes, clusters } = this.#world;
    const { host } = random.pick(nodes);
    const member = host.servingMember();
    for (const api of host.apiServers) {
      if (!api.ready || member === undefined) continue;
      api.incarnation = member.incarnation;
      // A member with an alarm takes no write.
      if (clusters.of(member.incarnation).alarms.length > 0) continue;
      clusters.acknowledge(member.incarnation, this.#allCommitted());
    }
    scheduler.at(random.between(1_000, 6_000), undefined, 'client', 'write', -1, -1, () => this.#write());
  }

  #allCommitted(): boolean {
    return this.#world.nodes.every((node) => {
      const phase = node.records.operation?.phase;
      if (node.leftOut) return true;
      return phase === 'committed' || phase === 'closed';
    });
  }

  #voteLater(): void {
    this.#world.scheduler.at(LEAD_CHECK_MS, undefined, 'process', 'who leads?', -1, -1, () => {
      this.#vote();
      this.#voteLater();
    });
  }

  /** Whoever leads and is well goes on leading; else the next that is well does. */
  #vote(): void {
    const { coordinators, injection } = this.#world;
    if (injection.severalLead) return;
    const isWell = (each: SimCoordinator): boolean => each.up && !each.paused && !each.reachesNobody;
    const chosen =
      coordinators.find((each) => each.leads && isWell(each)) ??
      coordinators.find(isWell) ??
      coordinators.find((each) => each.up);
    if (chosen === undefined) return;
    chosen.setLeads(true);
    // One that is paused believes what it last heard, until it wakes and hears more.
    for (const each of coordinators) if (each !== chosen && !each.paused) each.setLeads(false);
  }
}
