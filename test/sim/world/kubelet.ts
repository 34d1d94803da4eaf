import type { Component } from '@lockstep/agent/ports.ts';
import type { Container, Host } from './host.ts';
import { type Actor, newActor, type Scheduled } from './scheduler.ts';
import type { SimWorld } from './world.ts';

const COMPONENTS: readonly Component[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
];

/**
 * Kubelet and its unit. It runs what lies in its directory, notices changes in its own time, and
 * stops nothing that is gone before it has seen an API server since it started.
 */
export class Kubelet {
  /** Its process; undefined where the unit is inactive. */
  actor: Actor | undefined;
  sawApi = false;
  /** The condition on the hold file, as the service manager has it loaded. */
  holdLoaded = false;
  /** Each look takes this much longer. */
  slownessMs = 0;
  /** The binary does not start. */
  broken = false;
  #look: Scheduled | undefined;
  /** The process that is about to reach an API server. */
  #seeing: Actor | undefined;
  readonly #starting = new Set<Component>();
  readonly #host: Host;
  readonly #world: SimWorld;

  constructor(world: SimWorld, host: Host) {
    this.#world = world;
    this.#host = host;
  }

  get isActive(): boolean {
    return this.actor !== undefined;
  }

  /** Runs, and has for long. */
  begin(): void {
    this.actor = newActor();
    this.sawApi = true;
  }

  /** `systemctl daemon-reload`, and every boot. */
  reload(): void {
    this.holdLoaded = this.#host.disk.dropIn.volatile === 1;
  }

  /** `systemctl start`: nothing where the condition forbids it. */
  start(): void {
    if (!this.#host.powered || this.isActive || this.broken) return;
    if (this.holdLoaded && this.#host.disk.hold.volatile !== 0) return;
    this.actor = newActor();
    this.sawApi = false;
    this.lookSoon(this.#world.random.between(100, 500));
    this.apiBecameReady();
  }

  stop(): void {
    if (this.actor === undefined) return;
    this.actor.dead = true;
    this.actor = undefined;
    this.#look = undefined;
    this.sawApi = false;
  }

  /** A manifest came or went: it notices by itself. */
  manifestsChanged(): void {
    this.lookSoon(this.#world.random.between(10, 150));
  }

  lookSoon(delayMs: number): void {
    if (this.actor === undefined || this.#look !== undefined) return;
    const look = (): void => {
      this.#look = undefined;
      this.#lookAtManifests();
    };
    this.#look = this.#host.at(delayMs + this.slownessMs, 'host', 'kubelet looks', look, this.actor);
  }

  /** Somewhere one is: who reaches it may stop what is gone from now on. */
  apiBecameReady(): void {
    const { actor } = this;
    if (actor === undefined || this.sawApi || this.#seeing === actor || !this.#world.apiIsReady()) return;
    this.#seeing = actor;
    const see = (): void => {
      this.#seeing = undefined;
      if (this.#host.cutOff || !this.#world.apiIsReady()) return;
      this.sawApi = true;
      this.lookSoon(10);
    };
    this.#host.at(this.#world.random.between(100, 1000), 'host', 'kubelet sees the API', see, actor);
  }

  #lookAtManifests(): void {
    const { disk } = this.#host;
    for (const component of COMPONENTS) {
      const running = this.#host.running(component);
      if (disk.live[component].volatile === 1) {
        if (running.length === 0) this.#startSoon(component);
      } else if (this.sawApi) {
        for (const each of running) this.#terminate(each);
      }
    }
  }

  /** It makes up its mind; the runtime carries it out, even where it dies in between. */
  #startSoon(component: Component): void {
    if (this.#starting.has(component)) return;
    const host = this.#host;
    const { random } = this.#world;
    const run = (): void => {
      this.#starting.delete(component);
      if (host.powered) host.startContainer(component, 'kubelet');
    };
    const decide = (): void => {
      if (host.disk.live[component].volatile !== 1 || host.running(component).length > 0) return;
      if (this.#starting.has(component)) return;
      this.#starting.add(component);
      host.at(random.between(5, 40), 'host', `${component} starts`, run);
    };
    host.at(random.between(30, 300), 'host', `kubelet starts ${component}`, decide, this.actor);
  }

  #terminate(container: Container): void {
    if (container.terminating) return;
    container.terminating = true;
    const { random } = this.#world;
    const isApi = container.component === 'kube-apiserver';
    const graceMs = isApi ? random.between(100, 8_000) : random.between(50, 4_000);
    const end = (): void => this.#host.end(container);
    this.#host.at(graceMs, 'host', `${container.component} ends`, end, container.actor);
  }
}
