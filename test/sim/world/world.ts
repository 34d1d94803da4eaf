import { forwardStep } from '@lockstep/coordinator/core/phases.ts';
import { majorityOf } from '@lockstep/coordinator/core/quorum.ts';
import type { Stage } from '@lockstep/coordinator/core/state.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { takeAway } from './absence.ts';
import { Clusters } from './clusters.ts';
import { type CoordinatorRun, SimCoordinator } from './coordinator.ts';
import { Ending } from './ending.ts';
import type { Fault, FaultKind, FaultScript } from './faults.ts';
import { Injection } from './injection.ts';
import type { OpenCall } from './network.ts';
import { SimNode } from './node.ts';
import { People } from './people.ts';
import type { PlannedWorld } from './plan.ts';
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { withoutDice } from './script.ts';
import { SET_ASIDE, type SimPhase } from './sim-phase.ts';
import type { EndOfOperation, Excuse, SimEvent, WorldView, WriteTally } from './view.ts';

export interface WorldSettings {
  readonly seed: bigint;
  readonly planned: PlannedWorld;
  readonly coordinators: number;
  readonly script: FaultScript;
}

/** Everything there is, and what happens next. */
export class SimWorld implements WorldView {
  readonly random: Random;
  readonly scheduler = new Scheduler();
  readonly planned: PlannedWorld;
  readonly plan: RestorePlan;
  readonly nodes: SimNode[];
  readonly coordinators: SimCoordinator[];
  readonly openCalls = new Set<OpenCall>();
  readonly excuses: Excuse[] = [];
  readonly faults: { kind: FaultKind; phase: SimPhase }[] = [];
  readonly transitions: string[] = [];
  readonly injection: Injection;
  readonly clusters: Clusters;
  readonly people: People;
  readonly ending: Ending;
  events = 0;
  phase: SimPhase = Phase.PHASE_PROMISE;
  phaseEvents = 0;
  last: SimEvent = {
    kind: 'process',
    what: 'begin',
    node: -1,
    coordinator: -1,
    phase: Phase.PHASE_PROMISE,
    fault: undefined,
  };
  #firing: FaultKind | undefined;
  readonly #stages: (Stage | undefined)[] = [];
  readonly #labels: string[] = [];

  constructor({ seed, planned, coordinators, script }: WorldSettings) {
    this.random = new Random(seed);
    this.planned = planned;
    this.plan = planned.plan;
    const { shape } = planned;
    this.nodes = Array.from({ length: shape.nodes }, (_, index) => new SimNode(this, index));
    this.coordinators = Array.from({ length: coordinators }, (_, index) => new SimCoordinator(this, index));
    this.injection = new Injection(this, script);
    this.clusters = new Clusters(this);
    this.people = new People(this);
    this.ending = new Ending(this);
    // Where a quorum is gone with its hosts, what is left of OLD is well.
    const isLost = shape.leftOut >= majorityOf(shape.nodes);
    const broken = shape.serving || isLost ? 0 : majorityOf(shape.nodes);
    for (const node of this.nodes) {
      // The last is OLD's leader; the snapshot lies on the first, and on the second half the time.
      node.host.begin(node.index === 0 || (node.index === 1 && this.random.chance(0.5)), node.index < broken);
      if (!node.leftOut) node.startAgent();
    }
    this.clusters.of('old').leader = shape.serving;
    if (shape.leftOut > 0) takeAway(this, withoutDice(seed + 2n));
    for (const coordinator of this.coordinators) void coordinator.start();
    this.coordinators[0]?.setLeads(true);
    this.people.begin();
    this.ending.begin();
  }

  get end(): EndOfOperation | undefined {
    return this.ending.end;
  }

  get writes(): readonly WriteTally[] {
    return this.clusters.writes;
  }

  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  /** Dispatches one event. False: there is none, and never will be. */
  step(): boolean {
    const next = this.scheduler.next();
    if (next === undefined) return false;
    this.events += 1;
    this.phaseEvents += 1;
    this.#firing = undefined;
    for (const node of this.nodes) node.effect = undefined;
    next.run();
    this.last = {
      kind: next.kind,
      what: next.what,
      node: next.node,
      coordinator: next.coordinator,
      phase: this.phase,
      fault: this.#firing,
    };
    return true;
  }

  /** After what the event set going has come to rest: what changed where, and which faults are due. */
  settle(): void {
    for (const coordinator of this.coordinators) {
      const stage = coordinator.observe()?.stage;
      if (stage !== this.#stages[coordinator.index]) this.#stageChanged(coordinator, stage);
    }
    if (this.phase !== SET_ASIDE && this.nodes.some(isBeingSetAside)) this.#enter(SET_ASIDE);
    this.injection.fireDue();
    this.ending.boundIt();
  }

  #stageChanged(coordinator: SimCoordinator, stage: Stage | undefined): void {
    this.#stages[coordinator.index] = stage;
    this.ending.moved();
    const before = this.#labels[coordinator.index] ?? 'none';
    const label = labelOf(stage);
    if (label === before) return;
    this.#labels[coordinator.index] = label;
    if (stage === undefined) return;
    this.transitions.push(`${before} -> ${label}`);
    if (stage.kind === 'forward') this.#enter(forwardStep(stage.position).phase);
    else if (stage.kind === 'undo') this.#enter(Phase.PHASE_UNDO);
    else if (stage.kind === 'ended') {
      this.ending.say(stage.outcome, stage.failure?.code ?? '');
    }
  }

  #enter(phase: SimPhase): void {
    if (phase === this.phase) return;
    this.phase = phase;
    this.phaseEvents = 0;
  }

  apiIsReady(): boolean {
    return this.nodes.some(
      ({ host, leftOut }) =>
        // What one left out told its API server before is stale: OLD has no quorum.
        !host.cutOff && host.apiServers.some((api) => api.ready) && (!leftOut || host.servingMember()),
    );
  }

  apiBecameReady(): void {
    for (const { host } of this.nodes) host.kubelet.apiBecameReady();
  }

  reportOf(node: SimNode): NodeReport {
    const report = this.planned.reports[node.index] as NodeReport;
    const { kubelet } = report;
    if (kubelet === undefined) return report;
    return {
      ...report,
      ledgerId: node.records.identity.ledgerId,
      kubelet: { ...kubelet, active: node.host.kubelet.isActive },
    };
  }

  // The network.

  isLinked(coordinator: number, node: number, direction: 'request' | 'answer'): boolean {
    const { cutTo, cutFrom } = this.coordinators[coordinator] as SimCoordinator;
    return direction === 'request' ? !cutTo.has(node) : !cutFrom.has(node);
  }

  agentsReach(from: number, to: number): boolean {
    const [a, b] = [this.nodes[from], this.nodes[to]];
    if (a === undefined || b === undefined) return false;
    return !a.host.cutOff && !b.host.cutOff && b.run !== undefined && !b.run.actor.paused;
  }

  agentDied(node: SimNode): void {
    for (const call of this.openCalls) {
      if (call.node !== node || call.run === undefined) continue;
      // A host that lost its power says nothing; whoever waits finds out by itself.
      const delayMs = node.powered ? this.random.between(1, 30) : this.random.between(3_000, 20_000);
      const { index } = call.coordinator as CoordinatorRun & { index?: number };
      this.scheduler.at(
        delayMs,
        call.coordinator.actor,
        'answer',
        'connection reset',
        node.index,
        index ?? -1,
        () => call.breaks('connection reset'),
      );
    }
  }

  coordinatorDied(_coordinator: SimCoordinator, run: CoordinatorRun): void {
    for (const call of this.openCalls) {
      if (call.coordinator !== run) continue;
      this.openCalls.delete(call);
      const server = call.run;
      if (server === undefined || server.actor.dead) continue;
      for (const held of server.calls) {
        this.scheduler.at(
          this.random.between(1, 30),
          server.actor,
          'request',
          'hang up',
          call.node.index,
          -1,
          () => {
            server.calls.delete(held);
            held.aborted();
          },
        );
      }
    }
  }

  /** The operation has begun somewhere, or has ended. */
  get isKnown(): boolean {
    return (
      this.ending.isSaid ||
      this.nodes.some((node) => node.records.operation !== undefined) ||
      this.coordinators.some((each) => each.state !== undefined)
    );
  }

  noteExcuse(fault: FaultKind, node: number, promise: Excuse['promise']): void {
    this.excuses.push({ fault, node, sinceEvent: this.events, promise });
  }

  faultHappens(fault: Fault): void {
    this.#firing = fault.kind;
    this.ending.moved();
    this.faults.push({ kind: fault.kind, phase: this.phase });
  }

  restartAgentLater(node: SimNode, fault: Fault): void {
    this.injection.restartAgentLater(node, fault);
  }
}

/** A node that was left out has no operation but the one that sets it aside. */
function isBeingSetAside({ leftOut, records }: SimNode): boolean {
  return leftOut && records.operation?.phase === 'open';
}

function labelOf(stage: Stage | undefined): string {
  if (stage === undefined) return 'none';
  switch (stage.kind) {
    case 'forward':
      return `forward.${stage.position}`;
    case 'undo':
      return `undo.${stage.index}`;
    case 'settle':
      return `settle.${stage.part}`;
    case 'ended':
      return `ended.${stage.outcome}`;
    default:
      return stage.kind;
  }
}
