import type { OperationState } from '@lockstep/coordinator/core/state.ts';
import type { Run } from '@lockstep/coordinator/runner/operation-run.ts';
import { Operations } from '@lockstep/coordinator/runner/operations.ts';
import type {
  Agents,
  Journal,
  Leader,
  Leadership,
  OperationRecord,
} from '@lockstep/coordinator/runner/ports.ts';
import { RecoveryLoop } from '@lockstep/coordinator/runner/recovery-loop.ts';
import { SettingAside } from '@lockstep/coordinator/runner/setting-aside.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { SimClock } from './clock.ts';
import { SimAgents } from './network.ts';
import { NO_LOGGER } from './no-logger.ts';
import { CLUSTER } from './plan.ts';
import { type Actor, newActor } from './scheduler.ts';
import type { CoordinatorView } from './view.ts';
import type { SimWorld } from './world.ts';

/** One run of a coordinator's program. */
export interface CoordinatorRun {
  readonly actor: Actor;
  readonly operations: Operations;
  readonly stop: AbortController;
}

const NO_PLANS = { put: async (): Promise<void> => {}, get: async () => undefined };
const NO_ANNOUNCER = { announce: (): void => {} };
/** Where nobody is left out there is nobody to look for, time after time. */
const NOBODY_SET_ASIDE = { look: async () => true, resume: async () => {} };

interface MutableRecord extends Omit<OperationRecord, 'events' | 'operation' | 'report'> {
  operation: OperationRecord['operation'];
  report: OperationRecord['report'];
  events: OperationEvent[];
}

/** A coordinator: its journal outlives its program. */
export class SimCoordinator implements CoordinatorView {
  readonly index: number;
  readonly name: string;
  readonly cutTo = new Set<number>();
  readonly cutFrom = new Set<number>();
  readonly host = { offsetMs: 0 };
  run_: CoordinatorRun | undefined;
  run = 0;
  leads = false;
  /** It said itself that no agent answers it. */
  reachesNobody = false;
  #journal: MutableRecord[] = [];
  #current: Run | undefined;
  readonly #world: SimWorld;
  readonly listeners = new Set<() => void>();
  readonly #stops: AbortController[] = [];

  constructor(world: SimWorld, index: number) {
    this.#world = world;
    this.index = index;
    this.name = `coordinator-${index + 1}`;
  }

  get up(): boolean {
    return this.run_ !== undefined;
  }

  get paused(): boolean {
    return this.run_?.actor.paused === true;
  }

  get state(): OperationState | undefined {
    return this.#current?.state;
  }

  /** Notices which operation runs; called after every event. */
  observe(): OperationState | undefined {
    const running = this.run_?.operations.running;
    if (running !== undefined) this.#current = running;
    return this.#current?.state;
  }

  setLeads(leads: boolean): void {
    if (this.leads === leads) return;
    this.leads = leads;
    for (const listener of this.listeners) listener();
  }

  async start(): Promise<void> {
    if (this.run_ !== undefined) return;
    this.run += 1;
    this.#current = undefined;
    const actor = newActor();
    const clock = new SimClock(this.#world.scheduler, actor, this.host, -1, this.index);
    const stop = new AbortController();
    this.#stops.push(stop);
    const run: { actor: Actor; operations?: Operations; stop: AbortController } = { actor, stop };
    const agents: Agents = new SimAgents(this.#world, this, run as CoordinatorRun);
    const leadership = new SimLeadership(this, this.#world);
    const coordinatorId = `${this.name}/${this.run}`;
    const operations = new Operations({
      cluster: CLUSTER,
      coordinatorId,
      agents,
      plans: NO_PLANS,
      journal: this.#journalPort(actor),
      announcer: NO_ANNOUNCER,
      leadership,
      clock,
      logger: NO_LOGGER,
    });
    run.operations = operations;
    this.run_ = run as CoordinatorRun;
    await operations.load(stop.signal);
    const loop = new RecoveryLoop({
      agents,
      operations,
      leadership,
      settingAside:
        this.#world.plan.leftOut.length === 0
          ? NOBODY_SET_ASIDE
          : new SettingAside({ coordinatorId, agents, clock, logger: NO_LOGGER }),
      clock,
      logger: NO_LOGGER,
    });
    void loop.run(stop.signal);
  }

  crash(): void {
    const run = this.run_;
    if (run === undefined) return;
    run.actor.dead = true;
    this.run_ = undefined;
    this.#current = undefined;
    this.listeners.clear();
    this.leads = false;
    this.#world.coordinatorDied(this, run);
  }

  /**
   * Ends what every run of it still waits for, once nobody looks any more. Node holds a combined
   * signal that somebody listens to, and with it this whole world, until the signal aborts.
   */
  release(): void {
    for (const stop of this.#stops) stop.abort();
  }

  // The journal: a cache, that may be lost whole or in part while nobody has it open.

  loseJournal(): void {
    this.#journal = [];
  }

  rewindJournal(by: number): void {
    for (const record of this.#journal) {
      record.events.length = Math.max(0, record.events.length - by);
      record.report = undefined;
    }
  }

  #journalPort(actor: Actor): Journal {
    const find = (operationId: string): MutableRecord | undefined =>
      this.#journal.find((each) => each.operationId === operationId);
    return {
      load: async () => this.#journal.map((record) => ({ ...record, events: [...record.events] })),
      begin: (record) => {
        if (actor.dead) return;
        const held = find(record.operationId);
        if (held === undefined) this.#journal.push({ ...record, events: [], report: undefined });
        else {
          held.operation = record.operation;
          held.report = undefined;
        }
      },
      append: (event) => {
        if (!actor.dead) find(event.operationId)?.events.push(event);
      },
      end: (operationId, operation, report) => {
        const held = actor.dead ? undefined : find(operationId);
        if (held === undefined) return;
        held.operation = operation;
        held.report = report;
      },
      flush: async () => {},
    };
  }
}

/** The vote on who leads, as one run of a coordinator hears of it. */
class SimLeadership implements Leadership {
  readonly elected = true;
  readonly silent = false;
  readonly #coordinator: SimCoordinator;
  readonly #world: SimWorld;

  constructor(coordinator: SimCoordinator, world: SimWorld) {
    this.#coordinator = coordinator;
    this.#world = world;
  }

  get leads(): boolean {
    return this.#coordinator.leads;
  }

  get other(): Leader | undefined {
    const other = this.#world.coordinators.find((each) => each !== this.#coordinator && each.leads);
    return other === undefined ? undefined : { coordinator: other.name, address: '' };
  }

  onChange(listener: () => void): Disposable {
    this.#coordinator.listeners.add(listener);
    return { [Symbol.dispose]: () => this.#coordinator.listeners.delete(listener) };
  }

  reaches(anyAgent: boolean): void {
    this.#coordinator.reachesNobody = !anyAgent;
  }
}
