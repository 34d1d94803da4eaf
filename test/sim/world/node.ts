import type { RunnableStep } from '@lockstep/agent/core/operation.ts';
import { Executor } from '@lockstep/agent/executor/executor.ts';
import { HANDLERS } from '@lockstep/agent/executor/handlers.ts';
import type { StepPorts } from '@lockstep/agent/executor/step.ts';
import type { Component } from '@lockstep/agent/ports.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { neverAsked } from '../never-asked.ts';
import { SimClock } from './clock.ts';
import type { Fault, FaultKind } from './faults.ts';
import { Host } from './host.ts';
import { AgentIo, diskError } from './io.ts';
import { emptyLedger, type LedgerRecords, MemoryLedger } from './ledger.ts';
import { NO_LOGGER } from './no-logger.ts';
import { AgentView, KubeletView, LedgerView } from './node-views.ts';
import { CLUSTER, ledgerIdOf, nodeName, OLD_INODE, STATE_DIR } from './plan.ts';
import { simBuilder, simReadStoreFacts } from './ports/builder.ts';
import { SimHosting } from './ports/hosting.ts';
import { SimMember } from './ports/member.ts';
import { judgeSealed, simPull, simShelf } from './ports/snapshots.ts';
import { SimStores } from './ports/stores.ts';
import { type Actor, newActor } from './scheduler.ts';
import type { Name, NodeView, PerformedEffect } from './view.ts';
import type { SimWorld } from './world.ts';

export type DiskFault = 'disk-full' | 'disk-error' | 'disk-read-only' | 'sync-failed';

/** One run of the agent's process: dropped whole when it dies. */
export interface AgentRun {
  readonly actor: Actor;
  readonly io: AgentIo;
  readonly executor: Executor;
  readonly ledger: MemoryLedger;
  readonly member: SimMember;
  readonly clock: SimClock;
  /** Calls under way, to be told where the connection breaks. */
  readonly calls: Set<{ aborted(): void }>;
}

/** A node: a host, and Lockstep's agent on it. */
export class SimNode implements NodeView {
  readonly index: number;
  readonly name: string;
  readonly leftOut: boolean;
  gone = false;
  readonly world: SimWorld;
  readonly host: Host;
  records: LedgerRecords;
  run: AgentRun | undefined;
  runs = 0;
  /** Where requests arrive, whoever runs the agent then: pauses with the process, never dies. */
  readonly door: Actor = newActor();
  /** Faults that wait for a point of this agent: before or after an effect, a sync, a record, an answer. */
  readonly armed: Fault[] = [];
  effect: PerformedEffect | undefined;
  #diskFault: { readonly kind: DiskFault; left: number; readonly untilMs: number } | undefined;
  readonly oldInode = OLD_INODE;
  readonly liveManifests: Readonly<Record<Component, Name>>;
  readonly parkedManifests: Readonly<Record<Component, Name>>;
  readonly agent: NodeView['agent'];
  readonly ledger: NodeView['ledger'];
  readonly kubelet: NodeView['kubelet'];

  constructor(world: SimWorld, index: number) {
    this.world = world;
    this.index = index;
    this.name = nodeName(index);
    this.leftOut = index >= world.plan.nodes.length;
    this.host = new Host(world, index);
    this.records = emptyLedger(ledgerIdOf(index), this.name, CLUSTER);
    const { host } = this;
    this.liveManifests = host.disk.live;
    this.parkedManifests = host.disk.parked;
    this.agent = new AgentView(this);
    this.ledger = new LedgerView(this);
    this.kubelet = new KubeletView(host);
  }

  get powered(): boolean {
    return this.host.powered;
  }

  get inPlace(): Name {
    return this.host.disk.inPlace;
  }

  get other(): Name {
    return this.host.disk.other;
  }

  get stores(): NodeView['stores'] {
    return this.host.stores;
  }

  get etcds(): NodeView['etcds'] {
    return this.host.etcds;
  }

  get apiServers(): NodeView['apiServers'] {
    return this.host.apiServers;
  }

  // The agent's process.

  startAgent(): void {
    if (!this.host.powered || this.run !== undefined) return;
    this.runs += 1;
    const actor = newActor();
    const io = new AgentIo(this, actor);
    const clock = new SimClock(this.world.scheduler, actor, this.host, this.index, -1);
    const ledger = new MemoryLedger(
      this.records,
      {
        before: (what) => this.#beforeRecord(actor, what),
        after: (what) => this.#afterRecord(io, what),
      },
      () => clock.nowMs(),
      (step, epoch) => {
        io.step = step;
        io.epoch = epoch;
      },
    );
    const member = new SimMember(io);
    const ports: StepPorts = {
      hosting: new SimHosting(io),
      stores: new SimStores(io),
      builder: simBuilder(io),
      member,
      joining: neverAsked,
      membership: neverAsked,
      snapshots: simShelf(io),
      pull: simPull(io),
      judgeSeals: judgeSealed,
      readStoreFacts: simReadStoreFacts(io),
      clock,
      describe: (signal) => {
        signal.throwIfAborted();
        return io.read('describe', () => this.world.reportOf(this), 50);
      },
    };
    const executor = new Executor({
      node: this.name,
      cluster: CLUSTER,
      stateDir: STATE_DIR,
      ledger,
      ports,
      handlers: HANDLERS,
      logger: NO_LOGGER,
    });
    this.run = { actor, io, executor, ledger, member, clock, calls: new Set() };
  }

  /** SIGKILL: what it was at stops where it is, its locks go, its connections break. */
  crashAgent(): void {
    const { run } = this;
    if (run === undefined) return;
    run.actor.dead = true;
    this.run = undefined;
    this.world.scheduler.wake(this.door);
    this.host.unlock(run.actor);
    this.world.agentDied(this);
  }

  pauseAgent(): void {
    if (this.run === undefined) return;
    this.run.actor.paused = true;
    this.door.paused = true;
  }

  wakeAgent(run: AgentRun): void {
    if (run.actor.dead) return;
    this.world.scheduler.wake(run.actor);
    this.world.scheduler.wake(this.door);
  }

  // Points at which it may die.

  /** True: it died here. */
  diesAt(point: 'effect' | 'sync' | 'record' | 'ack', when: 'before' | 'after'): boolean {
    const kind: FaultKind = `crash-${when}-${point}`;
    const at = this.armed.findIndex((fault) => fault.kind === kind);
    const [fault] = at < 0 ? [] : this.armed.splice(at, 1);
    if (fault === undefined) return false;
    this.world.faultHappens(fault);
    this.crashAgent();
    this.world.restartAgentLater(this, fault);
    return true;
  }

  #beforeRecord(actor: Actor, _what: string): boolean {
    if (actor.dead) return false;
    const refused = this.diskRefuses('record');
    if (refused !== undefined) {
      throw new LockstepError('LEDGER_UNREADABLE', { message: 'The ledger failed.', cause: refused });
    }
    return this.armed.length === 0 || !this.diesAt('record', 'before');
  }

  #afterRecord(_io: AgentIo, _what: string): void {
    if (this.armed.length > 0) this.diesAt('record', 'after');
  }

  // The disk.

  failDisk(kind: DiskFault, times: number, forMs: number): void {
    this.#diskFault = { kind, left: times, untilMs: this.world.scheduler.nowMs + forMs };
  }

  diskRefuses(what: 'effect' | 'sync' | 'record'): Error | undefined {
    const fault = this.#diskFault;
    if (fault === undefined) return undefined;
    if (fault.left <= 0 || this.world.scheduler.nowMs > fault.untilMs) {
      this.#diskFault = undefined;
      return undefined;
    }
    if (fault.kind === 'sync-failed' ? what !== 'sync' : what === 'sync' && fault.kind === 'disk-full') {
      return undefined;
    }
    // The ledger's reserve holds its records on a full disk.
    if (what === 'record' && fault.kind === 'disk-full') return undefined;
    fault.left -= 1;
    return diskError(fault.kind);
  }

  get diskIsFailing(): boolean {
    return this.#diskFault !== undefined;
  }

  effectBegins(what: string, step: RunnableStep | undefined, epoch: Epoch | undefined): void {
    this.effect = { node: this.index, what, step, epoch, promised: this.records.promised };
  }
}
