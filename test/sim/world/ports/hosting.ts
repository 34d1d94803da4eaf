import type { Component, Hosting, KubeletState } from '@lockstep/agent/ports.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { DIRECTORY } from '../disk.ts';
import type { Container, Host } from '../host.ts';
import type { AgentIo } from '../io.ts';
import type { SimWorld } from '../world.ts';

/** How often a wait looks again. The real ones look every 10 to 20 ms, and see no more. */
const POLL_MS = 400;
/** A manager that stops a unit kills it after this. */
const STOP_TIMEOUT_MS = 90_000;

/** kubeadm's way of running a control plane, call for call as agent/hosting/static-pod goes about it. */
export class SimHosting implements Hosting {
  readonly kind = 'static-pod';
  readonly #io: AgentIo;
  readonly #host: Host;
  readonly #world: SimWorld;
  /** Processes of containers that were seen alive and killed. */
  #watched: Container[] = [];

  constructor(io: AgentIo) {
    this.#io = io;
    this.#host = io.node.host;
    this.#world = io.node.world;
  }

  inspect(): never {
    throw new Error('the simulated agent describes itself through its own port');
  }

  provenance(): never {
    throw new Error('no operation takes a snapshot');
  }

  async prepareHold(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    if (await this.#io.read('systemctl show', () => this.#isPrepared())) return;
    await this.#io.effect('drop-in', () => disk.change(DIRECTORY.unit, [disk.dropIn, 1]));
    await this.#io.sync('drop-ins', () => disk.sync(DIRECTORY.unit));
    await this.#manager('daemon-reload', 5, 200, () => {
      this.#host.kubelet.reload();
    });
    if (!(await this.#io.read('systemctl show', () => this.#host.kubelet.holdLoaded))) {
      throw new LockstepError('KUBELET_HOLD_FAILED');
    }
  }

  async holdKubelet(_operationId: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    await this.#io.effect('hold', () => disk.change(DIRECTORY.state, [disk.hold, 1]));
    await this.#io.sync('hold', () => disk.sync(DIRECTORY.state));
    await this.#stopUnit(signal);
    if (!(await this.#io.read('systemctl show', () => this.#isPrepared()))) {
      await this.prepareHold(signal);
      await this.#stopUnit(signal);
    }
    if (await this.#io.read('systemctl show', () => this.#host.kubelet.isActive)) {
      throw new LockstepError('KUBELET_HOLD_FAILED', { message: 'kubelet did not stop' });
    }
  }

  async releaseKubelet(_operationId: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    await this.#io.effect('release', () => {
      if (disk.hold.volatile !== 0) disk.change(DIRECTORY.state, [disk.hold, 0]);
    });
    await this.#io.sync('release', () => disk.sync(DIRECTORY.state));
    await this.#manager('start kubelet', 5, 60, () => this.#host.kubelet.start());
    await this.#until(
      'kubelet is active',
      () => this.#host.kubelet.isActive,
      signal,
      () => {
        throw new LockstepError('SERVICE_MANAGER_FAILED', { message: 'kubelet did not become active' });
      },
    );
  }

  kubeletState(_operationId: string, signal: AbortSignal): Promise<KubeletState> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    return this.#io.read('kubelet state', () => ({
      held: disk.hold.volatile === 1 && this.#host.kubelet.holdLoaded,
      marked: disk.hold.volatile !== 0,
      active: this.#host.kubelet.isActive,
    }));
  }

  async parkManifests(
    _plan: NodePlan,
    components: readonly Component[],
    _parkedDir: string,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    await this.#io.effect('mkdir parked', () => {
      if (disk.parkedDir.volatile === 0) disk.change(DIRECTORY.kubernetes, [disk.parkedDir, 1]);
    });
    await this.#io.sync('parked directory', () => disk.sync(DIRECTORY.kubernetes));
    const moves: Component[] = [];
    for (const component of components) {
      const place = await this.#io.read('manifests', () => this.#placeOf(component));
      if (place === 'live') moves.push(component);
      if (place !== 'copied') continue;
      await this.#io.sync('parked', () => disk.sync(DIRECTORY.parked));
      await this.#io.effect(`remove the copy of ${component}`, () => {
        disk.change(DIRECTORY.manifests, [disk.live[component], 0]);
        this.#host.kubelet.manifestsChanged();
      });
      await this.#io.sync('manifests', () => disk.sync(DIRECTORY.manifests));
    }
    for (const component of moves) {
      await this.#io.effect(`park ${component}`, () => {
        if (disk.live[component].volatile === 0) return;
        disk.change(
          DIRECTORY.manifests | DIRECTORY.parked,
          [disk.live[component], 0],
          [disk.parked[component], 1],
        );
        this.#host.kubelet.manifestsChanged();
      });
    }
    await this.#io.sync('parked', () => disk.sync(DIRECTORY.parked));
    await this.#io.sync('manifests', () => disk.sync(DIRECTORY.manifests));
  }

  async returnManifest(
    _plan: NodePlan,
    component: Component,
    _parkedDir: string,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    const place = await this.#io.read('manifests', () => this.#placeOf(component));
    if (place !== 'live') {
      await this.#io.effect(`return ${component}`, () => {
        if (disk.parked[component].volatile === 0) return;
        disk.change(
          DIRECTORY.manifests | DIRECTORY.parked,
          [disk.parked[component], 0],
          [disk.live[component], 1],
        );
        this.#host.kubelet.manifestsChanged();
      });
    }
    await this.#io.sync('manifests', () => disk.sync(DIRECTORY.manifests));
    await this.#io.sync('parked', () => disk.sync(DIRECTORY.parked));
  }

  manifestsInPlace(plan: NodePlan, signal: AbortSignal): Promise<readonly Component[]> {
    signal.throwIfAborted();
    const { live } = this.#host.disk;
    return this.#io.read('manifests in place', () =>
      plan.manifests
        .map(({ component }) => component as Component)
        .filter((component) => live[component].volatile === 1),
    );
  }

  async stopComponents(
    _plan: NodePlan,
    components: readonly Component[],
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const pods = await this.#io.read('static pods', () =>
      components.flatMap((each) => this.#host.running(each)),
    );
    for (const pod of pods) {
      this.#watched.push(pod);
      await this.#io.ask(`kill ${pod.component}`, () => {
        this.#host.at(this.#world.random.between(1, 60), 'host', `${pod.component} is killed`, () =>
          this.#host.end(pod),
        );
      });
    }
    const deadlineMs = this.#world.scheduler.nowMs + 10_000;
    await this.#until(
      'processes have ended',
      () => this.#survivors(components).length === 0 || this.#world.scheduler.nowMs > deadlineMs,
      signal,
    );
    if (this.#survivors(components).length > 0) throw new LockstepError('STOP_UNPROVEN');
  }

  async proveStopped(
    plan: NodePlan,
    _operationId: string,
    components: readonly Component[],
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    const seen = await this.#io.read('service manager', () =>
      disk.hold.volatile !== 1 || !this.#host.kubelet.holdLoaded
        ? 'kubelet is not held'
        : this.#host.kubelet.isActive
          ? 'kubelet is active'
          : undefined,
    );
    // Sockets and locks are looked at last, so that what died meanwhile is seen dead.
    const running = await this.#io.read('runtime and processes', () => {
      for (const component of components) {
        if (this.#host.running(component).length > 0) return `a container of ${component} runs`;
      }
      if (components.includes('etcd') && this.#host.etcds.length > 0) {
        return 'a process has the store open, or listens';
      }
      if (components.includes('kube-apiserver') && this.#host.apiServers.length > 0) {
        return 'somebody listens where the API server would';
      }
      return this.#survivors(components).length > 0 ? 'a killed process is still there' : undefined;
    });
    const disagrees = seen ?? running;
    if (disagrees === undefined) return;
    // As long as it takes to look at every process of a busy host: it bounds how often is looked.
    await this.#io.read('processes', () => undefined, 400);
    throw new LockstepError('STOP_UNPROVEN', { node: plan.node, message: disagrees });
  }

  async waitApiReady(_plan: NodePlan, signal: AbortSignal): Promise<void> {
    const ready = (): boolean =>
      this.#host.apiServers.some((api) => api.ready) && this.#host.servingMember() !== undefined;
    await this.#until('the API server is ready', ready, signal, () => {
      throw new LockstepError('API_NOT_READY');
    });
  }

  /** Every simulated API server has a member beside it, which is asked instead. */
  async etcdServes(): Promise<boolean> {
    return false;
  }

  async waitServingPeers(_member: unknown, signal: AbortSignal): Promise<void> {
    await this.#until(
      'the member serves peers',
      () => this.#host.etcds.some((etcd) => etcd.serving),
      signal,
      () => {
        throw new LockstepError('ETCD_UNREACHABLE');
      },
    );
  }

  placeJoiningManifest(): never {
    throw new Error('nobody joins here');
  }

  removeJoiningManifest(): never {
    throw new Error('nobody joins here');
  }

  archiveParkedManifest(): never {
    throw new Error('nobody joins here');
  }

  async checkEncryption(): Promise<never[]> {
    return [];
  }

  undoText(): string {
    return 'how to bring OLD back by hand';
  }

  #isPrepared(): boolean {
    return this.#host.kubelet.holdLoaded && this.#host.disk.dropIn.volatile === 1;
  }

  /** The manager does what it was told although who told it dies; a stopped kubelet is killed in the end. */
  async #stopUnit(signal: AbortSignal): Promise<void> {
    const paused = this.#host.kubelet.actor?.paused === true;
    const longestMs = paused ? STOP_TIMEOUT_MS : 150;
    await this.#manager('stop kubelet', paused ? STOP_TIMEOUT_MS / 2 : 5, longestMs, () =>
      this.#host.kubelet.stop(),
    );
    signal.throwIfAborted();
  }

  async #manager(what: string, soonestMs: number, latestMs: number, done: () => void): Promise<void> {
    let ended = false;
    const { random } = this.#world;
    let answered: (() => void) | undefined;
    await this.#io.ask(what, () => {
      this.#host.at(random.between(soonestMs, latestMs), 'host', `systemd: ${what}`, () => {
        if (!this.#host.powered) return;
        done();
        ended = true;
        if (!this.#io.actor.dead) answered?.();
      });
    });
    if (ended) return;
    await new Promise<void>((resolve) => {
      answered = resolve;
    });
  }

  #survivors(components: readonly Component[]): Container[] {
    this.#watched = this.#watched.filter((each) => !each.actor.dead);
    return this.#watched.filter((each) => components.includes(each.component));
  }

  /** Whoever puts a manifest back here puts back a copy of the parked one. */
  #placeOf(component: Component): 'live' | 'parked' | 'copied' {
    const { live, parked } = this.#host.disk;
    const isLive = live[component].volatile === 1;
    if (isLive && parked[component].volatile === 1) return 'copied';
    if (isLive) return 'live';
    if (parked[component].volatile === 1) return 'parked';
    throw new LockstepError('MANIFEST_MISSING', { message: `${component}: neither live nor parked` });
  }

  async #until(
    what: string,
    holds: () => boolean,
    signal: AbortSignal,
    givenUp: () => void = () => signal.throwIfAborted(),
  ): Promise<void> {
    // Ever more patient: what has not come within seconds takes its time.
    for (let pauseMs = POLL_MS; !(await this.#io.read(what, holds, pauseMs)); ) {
      if (signal.aborted) return givenUp();
      pauseMs = Math.min(pauseMs * 1.5, 4_000);
    }
  }
}
