import type { Component } from '@lockstep/agent/ports.ts';
import { DIRECTORY, Disk } from './disk.ts';
import { Kubelet } from './kubelet.ts';
import { OLD_INODE } from './plan.ts';
import { type Actor, newActor, type Scheduled } from './scheduler.ts';
import type { ApiProcess, EtcdProcess, Incarnation, SimEventKind, StoreView } from './view.ts';
import type { SimWorld } from './world.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type Store = Mutable<StoreView>;

/** A static pod's container, or a process that somebody started by hand. */
export interface Container {
  readonly component: Component;
  readonly pid: number;
  readonly actor: Actor;
  readonly startedBy: 'kubelet' | 'outside';
  terminating: boolean;
}

export type Etcd = Container & Mutable<EtcdProcess>;
export type ApiServer = Container & Mutable<ApiProcess>;

/** Where inodes of stores that are made begin. */
const FIRST_NEW_INODE = 200;

/** A node as it is without Lockstep: disk, service manager, kubelet, containers. */
export class Host {
  readonly index: number;
  readonly disk = new Disk();
  readonly stores = new Map<number, Store>();
  readonly etcds: Etcd[] = [];
  readonly apiServers: ApiServer[] = [];
  readonly others: Container[] = [];
  /** Stores whose database a process of the agent has locked, by inode. */
  readonly agentLocks = new Map<number, Actor>();
  powered = true;
  offsetMs = 0;
  /** Its peers and clients of its etcd do not reach it. */
  cutOff = false;
  readonly kubelet: Kubelet;
  /** This node's OLD cannot be started. */
  oldBroken = false;
  #nextInode = FIRST_NEW_INODE;
  #nextPid = 1;
  readonly #world: SimWorld;

  constructor(world: SimWorld, index: number) {
    this.#world = world;
    this.index = index;
    this.kubelet = new Kubelet(world, this);
  }

  /** As it is when the operation begins: OLD in place, all four pods up. */
  begin(snapshotHere: boolean, oldBroken: boolean): void {
    const { disk } = this;
    this.oldBroken = oldBroken;
    this.stores.set(OLD_INODE, {
      inode: OLD_INODE,
      incarnation: 'old',
      content: 'complete',
      durable: 'complete',
      intact: true,
      removed: false,
      contentSha256: 'old',
    });
    for (const name of Object.values(disk.live)) setBoth(name, 1);
    setBoth(disk.inPlace, OLD_INODE);
    if (snapshotHere) setBoth(disk.snapshot, 1);
    this.kubelet.begin();
    if (!oldBroken) {
      const etcd = this.#newEtcd('kubelet', OLD_INODE);
      etcd.serving = true;
      this.etcds.push(etcd);
      const api = this.#newApi();
      api.ready = true;
      api.incarnation = 'old';
      this.apiServers.push(api);
    }
    for (const component of ['kube-controller-manager', 'kube-scheduler'] as const) {
      this.others.push(this.#newContainer(component, 'kubelet'));
    }
    if (oldBroken) this.kubelet.lookSoon(100);
  }

  at(delayMs: number, kind: SimEventKind, what: string, run: () => void, actor?: Actor): Scheduled {
    return this.#world.scheduler.at(delayMs, actor, kind, what, this.index, -1, run);
  }

  /** Everything that runs on this node ends; what was not synced is gone, or not. */
  losePower(synced: boolean): void {
    this.powered = false;
    this.kubelet.stop();
    for (const each of this.containers()) each.actor.dead = true;
    this.etcds.length = 0;
    this.apiServers.length = 0;
    this.others.length = 0;
    this.agentLocks.clear();
    const { disk } = this;
    if (synced) {
      disk.sync(~0);
      for (const store of this.stores.values()) store.durable = store.content;
    } else {
      disk.losePower(this.#world.random);
    }
    for (const store of this.stores.values()) store.content = store.durable;
    this.#world.clusters.membersChanged();
  }

  /** The service manager starts what is to be started. The agent is its own affair. */
  boot(): void {
    this.powered = true;
    this.kubelet.reload();
    this.kubelet.start();
  }

  *containers(): Iterable<Container> {
    yield* this.etcds;
    yield* this.apiServers;
    yield* this.others;
  }

  /** Kubelet's containers of a component, those that are on their way out included. */
  running(component: Component): Container[] {
    return this.#listOf(component).filter((each) => each.startedBy === 'kubelet');
  }

  #listOf(component: Component): readonly Container[] {
    switch (component) {
      case 'etcd':
        return this.etcds;
      case 'kube-apiserver':
        return this.apiServers;
      default:
        return this.others.filter((each) => each.component === component);
    }
  }

  /** The container is no more. Kubelet starts another where its manifest is still there. */
  end(container: Container, backOffMs = 300): void {
    if (container.actor.dead) return;
    container.actor.dead = true;
    remove(this.etcds, container);
    remove(this.apiServers, container);
    remove(this.others, container);
    if (container.component === 'etcd') this.#world.clusters.membersChanged();
    this.kubelet.lookSoon(backOffMs);
  }

  // Containers.

  startContainer(component: Component, startedBy: Container['startedBy']): void {
    switch (component) {
      case 'etcd':
        return this.#startEtcd(startedBy);
      case 'kube-apiserver':
        return this.#startApi();
      default:
        this.others.push(this.#newContainer(component, startedBy));
    }
  }

  #startEtcd(startedBy: Container['startedBy']): void {
    const { random } = this.#world;
    const { disk } = this;
    // The manifest's hostPath is DirectoryOrCreate; an empty directory becomes a cluster of its own.
    if (disk.inPlace.volatile === 0) {
      const fresh = this.newStore(this.#world.clusters.freshIncarnation(), 'complete');
      fresh.durable = 'complete';
      disk.change(DIRECTORY.varLib, [disk.inPlace, fresh.inode]);
    }
    const etcd = this.#newEtcd(startedBy, disk.inPlace.volatile);
    this.etcds.push(etcd);
    this.at(random.between(20, 200), 'host', 'etcd opens its store', () => this.#etcdOpens(etcd), etcd.actor);
  }

  #etcdOpens(etcd: Etcd): void {
    // The listeners come first: where another one runs, this one ends there.
    if (this.etcds.some((other) => other !== etcd && !other.actor.dead)) return this.end(etcd, 5_000);
    if (this.agentLocks.has(etcd.inode)) {
      etcd.waitsForLock = true;
      return;
    }
    this.#etcdHasLock(etcd);
  }

  /** The agent's process gave up its locks, or ended. */
  unlock(actor: Actor): void {
    for (const [inode, holder] of this.agentLocks) {
      if (holder !== actor) continue;
      this.agentLocks.delete(inode);
      for (const etcd of this.etcds) {
        if (etcd.inode !== inode || !etcd.waitsForLock) continue;
        this.at(
          this.#world.random.between(1, 50),
          'host',
          'etcd gets the lock',
          () => this.#etcdOpens(etcd),
          etcd.actor,
        );
      }
    }
  }

  #etcdHasLock(etcd: Etcd): void {
    etcd.waitsForLock = false;
    const store = this.stores.get(etcd.inode);
    const named = this.stores.get(this.disk.inPlace.volatile);
    if (store === undefined || store.removed || store.content === 'partial') return this.end(etcd, 5_000);
    if (named !== store) {
      // A container keeps the directory that it was started on; a plain process opens the log by its name.
      etcd.mixed = etcd.startedBy === 'outside';
      store.intact = false;
      if (etcd.mixed && named !== undefined) named.intact = false;
    }
    etcd.incarnation = store.incarnation;
    if (store.incarnation === 'old' && this.oldBroken) return this.end(etcd, 10_000);
    this.at(
      this.#world.random.between(100, 500),
      'host',
      'etcd serves',
      () => {
        etcd.serving = true;
        this.#world.clusters.membersChanged();
      },
      etcd.actor,
    );
  }

  #startApi(): void {
    const api = this.#newApi();
    this.apiServers.push(api);
    this.#apiTries(api, 0);
  }

  #apiTries(api: ApiServer, tries: number): void {
    this.at(
      this.#world.random.between(200, 1_200),
      'host',
      'the API server connects',
      () => {
        const member = this.servingMember();
        if (member !== undefined) {
          api.ready = true;
          api.incarnation = member.incarnation;
          this.#world.apiBecameReady();
        } else if (tries < 8) this.#apiTries(api, tries + 1);
        else this.end(api, 5_000);
      },
      api.actor,
    );
  }

  /** The member here that answers clients: it runs, and its cluster has a leader that it reaches. */
  servingMember(): Etcd | undefined {
    if (!this.powered || this.cutOff) return undefined;
    for (const etcd of this.etcds) {
      if (etcd.serving && this.#world.clusters.hasLeader(etcd.incarnation)) return etcd;
    }
    return undefined;
  }

  newStore(incarnation: Incarnation, content: Store['content']): Store {
    const inode = this.#nextInode;
    this.#nextInode += 1;
    const store: Store = {
      inode,
      incarnation,
      content,
      durable: 'partial',
      intact: true,
      removed: false,
      contentSha256: '',
    };
    this.stores.set(inode, store);
    return store;
  }

  #newContainer(component: Component, startedBy: Container['startedBy']): Container {
    const pid = this.#nextPid;
    this.#nextPid += 1;
    return { component, pid, actor: newActor(), startedBy, terminating: false };
  }

  #newEtcd(startedBy: Container['startedBy'], inode: number): Etcd {
    return {
      ...this.#newContainer('etcd', startedBy),
      inode,
      incarnation: this.stores.get(inode)?.incarnation ?? 'old',
      waitsForLock: false,
      serving: false,
      mixed: false,
    };
  }

  #newApi(): ApiServer {
    return { ...this.#newContainer('kube-apiserver', 'kubelet'), ready: false, incarnation: undefined };
  }
}

function remove(list: Container[], container: Container): void {
  const at = list.indexOf(container);
  if (at >= 0) list.splice(at, 1);
}

function setBoth(name: { volatile: number; durable: number }, to: number): void {
  name.volatile = to;
  name.durable = to;
}
