import type { Component } from '@lockstep/agent/ports.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { SimCoordinator } from './coordinator.ts';
import { DIRECTORY } from './disk.ts';
import { Fates } from './fates.ts';
import type { Fault, FaultKind, FaultScript } from './faults.ts';
import { emptyLedger, rewind } from './ledger.ts';
import type { DiskFault, SimNode } from './node.ts';
import { CLUSTER } from './plan.ts';
import { Random } from './random.ts';
import type { SimWorld } from './world.ts';

/** Carries out a script of faults, and heals each in its time. */
export class Injection {
  readonly #world: SimWorld;
  #pending: Fault[];
  readonly fates: Fates;
  /** Faults that are still to be made good again. */
  #healing = 0;
  severalLead = false;

  constructor(world: SimWorld, script: FaultScript) {
    this.#world = world;
    this.#pending = [...script];
    this.fates = new Fates(world);
  }

  get isHealing(): boolean {
    return this.#healing > 0;
  }

  /** Faults whose moment has come become the next event. */
  fireDue(): void {
    if (this.#pending.length === 0) return;
    const { phase, phaseEvents } = this.#world;
    let fired = false;
    for (const fault of this.#pending) {
      const isNow = fault.phase === phase && phaseEvents >= fault.after;
      const isPast = phase > fault.phase;
      if (!isNow && !isPast) continue;
      fired = true;
      // Undo skips what lies between: half of what was meant for there comes now.
      if (isPast && phase === Phase.PHASE_UNDO && fault.draw % 2 === 1) continue;
      this.#world.scheduler.at(0, undefined, 'fault', fault.kind, -1, -1, () => this.#fire(fault));
    }
    if (fired) {
      this.#pending = this.#pending.filter(
        (fault) => !((fault.phase === phase && phaseEvents >= fault.after) || phase > fault.phase),
      );
    }
  }

  #fire(fault: Fault): void {
    const world = this.#world;
    const dice = new Random(BigInt(fault.draw));
    const node = world.nodes[fault.target % world.nodes.length] as SimNode;
    const coordinator = world.coordinators[fault.target % world.coordinators.length] as SimCoordinator;
    switch (fault.kind) {
      case 'crash-before-effect':
      case 'crash-after-effect':
      case 'crash-before-sync':
      case 'crash-after-sync':
      case 'crash-before-record':
      case 'crash-after-record':
      case 'crash-before-ack':
      case 'crash-after-ack':
        node.armed.push(fault);
        return;
      case 'message-lost':
      case 'message-late':
      case 'message-twice':
      case 'answer-lost':
      case 'answer-twice':
      case 'messages-reordered':
        this.fates.arm(fault, node.index, dice);
        return;
      default:
    }
    if (!this.#happens(fault, dice, node, coordinator)) return;
    world.faultHappens(fault);
  }

  /** False where there is nothing that it could happen to. */
  #happens(fault: Fault, dice: Random, node: SimNode, coordinator: SimCoordinator): boolean {
    const world = this.#world;
    const { host } = node;
    switch (fault.kind) {
      case 'agent-crash':
        if (node.run === undefined) return false;
        node.crashAgent();
        this.restartAgentLater(node, fault);
        return true;
      case 'agent-pause': {
        const { run } = node;
        if (run === undefined || run.actor.paused) return false;
        node.pauseAgent();
        this.healLater(pauseMs(dice), 'agent wakes', () => node.wakeAgent(run));
        return true;
      }
      case 'coordinator-crash':
        if (!coordinator.up) return false;
        this.#crashCoordinator(coordinator, dice);
        return true;
      case 'coordinator-pause': {
        const run = coordinator.run_;
        if (run === undefined || run.actor.paused) return false;
        run.actor.paused = true;
        this.healLater(pauseMs(dice), 'coordinator wakes', () => {
          if (!run.actor.dead) world.scheduler.wake(run.actor);
        });
        return true;
      }
      case 'two-leaders':
        if (world.coordinators.length < 2) return false;
        this.severalLead = true;
        for (const each of world.coordinators) each.setLeads(true);
        this.healLater(dice.between(3_000, 20_000), 'one leads again', () => {
          this.severalLead = false;
        });
        return true;
      case 'promise-in-flight':
        return this.#promiseInFlight(node);
      case 'partition':
      case 'partition-one-sided':
        this.#cut(fault, dice, node);
        return true;
      case 'power-loss':
        if (!host.powered) return false;
        this.#losePower(node, dice, false, dice.between(2_000, 30_000));
        return true;
      case 'power-loss-all': {
        for (const each of world.nodes) {
          if (each.powered) this.#losePower(each, dice, false, dice.between(2_000, 30_000));
        }
        return true;
      }
      case 'reboot':
        if (!host.powered) return false;
        this.#losePower(node, dice, true, dice.between(5_000, 30_000));
        return true;
      case 'disk-full':
      case 'disk-error':
      case 'disk-read-only':
      case 'sync-failed':
        this.#failDisk(fault.kind, dice, node);
        return true;
      case 'journal-lost':
      case 'journal-rewound':
        if (!coordinator.up) return false;
        this.#crashCoordinator(coordinator, dice);
        if (fault.kind === 'journal-lost') coordinator.loseJournal();
        else coordinator.rewindJournal(dice.between(1, 40));
        return true;
      case 'ledger-lost':
        node.crashAgent();
        node.records = emptyLedger(`another-${node.index}`, node.name, CLUSTER);
        this.#excuseLedger(fault.kind, node);
        this.restartAgentLater(node, fault);
        return true;
      case 'ledger-rewound':
        node.crashAgent();
        rewind(node.records, dice.between(1, 6));
        this.#excuseLedger(fault.kind, node);
        this.restartAgentLater(node, fault);
        return true;
      case 'clock-jump': {
        const jumped = dice.chance(0.5) ? host : coordinator.host;
        jumped.offsetMs += dice.between(-3_600_000, 3_600_000);
        return true;
      }
      case 'kubelet-dead': {
        if (!host.powered) return false;
        const { kubelet } = host;
        kubelet.broken = true;
        const wasUp = kubelet.isActive;
        kubelet.stop();
        this.healLater(dice.between(1_000, 50_000), 'kubelet mended', () => {
          kubelet.broken = false;
          if (wasUp) kubelet.start();
        });
        return true;
      }
      case 'kubelet-slow':
        host.kubelet.slownessMs = dice.between(2_000, 20_000);
        this.healLater(dice.between(5_000, 40_000), 'kubelet fast again', () => {
          host.kubelet.slownessMs = 0;
        });
        return true;
      case 'kubelet-paused': {
        const { actor } = host.kubelet;
        if (actor === undefined || actor.paused) return false;
        actor.paused = true;
        this.healLater(pauseMs(dice), 'kubelet wakes', () => {
          if (!actor.dead) world.scheduler.wake(actor);
        });
        return true;
      }
      case 'kubelet-restarted':
        if (!host.kubelet.isActive) return false;
        host.kubelet.stop();
        this.healLater(dice.between(100, 3_000), 'kubelet restarts', () => host.kubelet.start());
        return true;
      case 'outside-manifest':
        return this.#returnManifest(dice, node);
      case 'outside-etcd':
        if (!host.powered || host.disk.inPlace.volatile === 0) return false;
        world.noteExcuse(fault.kind, node.index, 'outside-process');
        world.noteExcuse(fault.kind, -1, 'ends-by-itself');
        host.startContainer('etcd', 'outside');
        this.healLater(dice.between(500, 40_000), 'the outside etcd ends', () => {
          for (const etcd of host.etcds.filter((each) => each.startedBy === 'outside')) host.end(etcd);
        });
        return true;
      case 'etcd-crash': {
        const etcd = host.etcds.find(({ startedBy }) => startedBy === 'kubelet');
        if (etcd === undefined) return false;
        host.end(etcd, dice.between(300, 10_000));
        return true;
      }
      case 'operator-abort': {
        const running = world.coordinators.find((each) => each.run_?.operations.running !== undefined);
        const run = running?.run_;
        if (run === undefined) return false;
        void run.operations
          .abort(world.plan.operationId, 'operator', 'simulated', run.stop.signal)
          .catch(() => undefined);
        return true;
      }
      default:
        throw new Error(`no fault ${fault.kind}`);
    }
  }

  /** Somebody who read the same ledgers has himself promised more, and is never heard of again. */
  #promiseInFlight(node: SimNode): boolean {
    const { run } = node;
    const { plan } = this.#world;
    const promised = run?.ledger.promised();
    if (run === undefined || promised === undefined) return false;
    const epoch = { number: promised.number + 1n, coordinatorId: 'coordinator-9/1' };
    const request = {
      epoch,
      operationId: plan.operationId,
      ledgerId: node.records.identity.ledgerId,
      plan: Buffer.alloc(0),
    };
    this.#world.scheduler.at(0, run.actor, 'request', 'Promise', node.index, -1, () => {
      run.executor.promise(request, 'lockstep://lab/coordinator/coordinator-9').then(
        () => undefined,
        () => undefined,
      );
    });
    return true;
  }

  restartAgentLater(node: SimNode, fault: Fault): void {
    const dice = new Random(BigInt(fault.draw) + 1n);
    const delayMs = dice.chance(0.92) ? dice.between(200, 5_000) : dice.between(10_000, 120_000);
    this.healLater(delayMs, 'agent starts', () => node.startAgent());
  }

  #crashCoordinator(coordinator: SimCoordinator, dice: Random): void {
    coordinator.crash();
    const delayMs = dice.chance(0.9) ? dice.between(300, 6_000) : dice.between(10_000, 120_000);
    this.healLater(delayMs, 'coordinator starts', () => void coordinator.start());
  }

  #cut(fault: Fault, dice: Random, node: SimNode): void {
    const { coordinators, nodes } = this.#world;
    // Some outlast the patience with which a coordinator waits for those it cannot do without.
    const outlasts = dice.chance(0.08);
    // From everybody, or from one coordinator alone.
    const concerned = dice.chance(outlasts ? 0.8 : 0.5) ? coordinators : [dice.pick(coordinators)];
    const away = outlasts && dice.chance(0.5) ? nodes.filter((each) => each !== node) : [node];
    const oneSided = fault.kind === 'partition-one-sided';
    const toward = !oneSided || dice.chance(0.5);
    const whole = concerned === coordinators && !oneSided;
    for (const each of concerned) {
      for (const { index } of away) {
        if (!oneSided || toward) each.cutTo.add(index);
        if (!oneSided || !toward) each.cutFrom.add(index);
      }
    }
    if (whole) {
      for (const { host } of away) host.cutOff = true;
      this.#world.clusters.membersChanged();
    }
    const longMs = outlasts
      ? dice.between(620_000, 1_300_000)
      : dice.chance(0.93)
        ? dice.between(300, 25_000)
        : dice.between(40_000, 300_000);
    this.healLater(longMs, 'joined again', () => {
      for (const each of concerned) {
        for (const { index } of away) {
          each.cutTo.delete(index);
          each.cutFrom.delete(index);
        }
      }
      if (!whole) return;
      for (const { host } of away) host.cutOff = false;
      this.#world.clusters.membersChanged();
    });
  }

  #losePower(node: SimNode, dice: Random, synced: boolean, forMs: number): void {
    node.host.losePower(synced);
    node.crashAgent();
    this.healLater(forMs, 'powered on', () => {
      node.host.boot();
      this.healLater(dice.between(100, 2_000), 'agent starts', () => node.startAgent());
    });
  }

  #failDisk(kind: DiskFault, dice: Random, node: SimNode): void {
    const once = dice.chance(0.75);
    const forMs = once ? 600_000 : dice.between(200, 12_000);
    node.failDisk(kind, once ? 1 : Number.POSITIVE_INFINITY, forMs);
    if (!once) this.healLater(forMs, 'disk mended', () => undefined);
  }

  #returnManifest(dice: Random, node: SimNode): boolean {
    const { disk } = node.host;
    const parked = (Object.keys(disk.parked) as Component[]).filter(
      (component) => disk.parked[component].volatile === 1,
    );
    if (parked.length === 0 || !node.powered) return false;
    // Half of them copy, as a person or a tool does, and leave the parked one where it is.
    this.#world.noteExcuse('outside-manifest', node.index, 'manifests-stay-out');
    const component = dice.pick(parked);
    const copied = dice.chance(0.5);
    disk.change(DIRECTORY.manifests | (copied ? 0 : DIRECTORY.parked), [disk.live[component], 1]);
    if (!copied) disk.change(DIRECTORY.parked, [disk.parked[component], 0]);
    node.host.kubelet.manifestsChanged();
    return true;
  }

  #excuseLedger(kind: FaultKind, node: SimNode): void {
    this.#world.noteExcuse(kind, node.index, 'ledger-only-grows');
    this.#world.noteExcuse(kind, -1, 'commit-excludes-undo');
    this.#world.noteExcuse(kind, -1, 'ends-by-itself');
  }

  healLater(delayMs: number, what: string, heal: () => void): void {
    this.#healing += 1;
    this.#world.scheduler.at(delayMs, undefined, 'process', what, -1, -1, () => {
      this.#healing -= 1;
      this.#world.ending.moved();
      heal();
    });
  }
}

/** Most are shorter than any lease, some outlast every one. */
function pauseMs(dice: Random): number {
  return dice.chance(0.85) ? dice.between(100, 8_000) : dice.between(10_000, 100_000);
}
