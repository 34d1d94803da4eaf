import type { Logger } from '@lockstep/shared/logging.ts';
import { timings } from '../timings.ts';
import { type ContainerRuntime, isReady, isRunning, type Observed, uidOf } from './container-runtime.ts';
import { fullName, type Pod } from './pod.ts';
import { PodWorker } from './pod-worker.ts';

/** Ways in which real kubelets hurt, which do not come from a signal. */
export interface Misbehaviour {
  /** How late a manifest's change is acted on. */
  readonly eventDelayMs: number;
  /** A pod starts although an earlier one of its name still runs. */
  readonly duplicates: boolean;
}

export interface KubeletOptions {
  readonly runtime: ContainerRuntime;
  readonly root: string;
  readonly logger: Logger;
  /** Pods that should run, from all sources. */
  readonly desired: () => Pod[];
  /**
   * True once every source was seen by this process. Until then nothing is ever ended: a kubelet that
   * was restarted while the API was down keeps pods whose manifests are gone.
   */
  readonly sourcesReady: () => boolean;
  readonly misbehaviour: () => Misbehaviour;
}

const MAX_PODS = 110;

/** The pods of one node: what the sources want against what the container runtime shows. */
export class Kubelet {
  private readonly options: KubeletOptions;
  private readonly workers = new Map<string, PodWorker>();
  private observed: Observed = { sandboxes: [], containers: [] };
  private readonly endingOrphans = new Set<string>();

  constructor(options: KubeletOptions) {
    this.options = options;
  }

  async start(): Promise<void> {
    await this.relist();
    this.reconcile();
    setInterval(() => void this.look(), timings.kubeletPlegMs);
    setInterval(() => this.housekeep(), timings.kubeletHousekeepingMs);
    setInterval(() => void this.collectGarbage(), timings.kubeletGarbageMs);
  }

  /** What is wanted may have changed: new pods start, unwanted ones end. */
  reconcile(): void {
    const desired = this.options.desired();
    const wanted = new Set(desired.map(({ uid }) => uid));
    for (const [uid, worker] of this.workers) {
      if (wanted.has(uid) || worker.isEnding) continue;
      if (this.options.sourcesReady()) worker.end(worker.pod.graceMs);
      else
        this.options.logger.info(
          { pod: fullName(worker.pod) },
          'skipping delete because sources are not ready yet',
        );
    }
    for (const pod of desired) if (!this.workers.has(pod.uid)) this.tryStart(pod);
  }

  private tryStart(pod: Pod): void {
    if (this.workers.size >= MAX_PODS || this.isBlocked(pod)) return;
    const worker = new PodWorker(pod, this.options);
    this.workers.set(pod.uid, worker);
    worker.sync(this.observed);
  }

  /** A static pod waits for the end of an earlier one of its name that this process knows of. */
  private isBlocked(pod: Pod): boolean {
    if (this.options.misbehaviour().duplicates) return false;
    return [...this.workers.values()].some(
      (worker) => worker.pod.uid !== pod.uid && fullName(worker.pod) === fullName(pod) && !worker.hasEnded,
    );
  }

  /** False where the runtime does not answer: then nothing is known, and nothing is done. */
  private async relist(): Promise<boolean> {
    try {
      this.observed = await this.options.runtime.observe();
      return true;
    } catch (error) {
      this.options.logger.warn({ error: String(error) }, 'container runtime is down');
      return false;
    }
  }

  private async look(): Promise<void> {
    if (!(await this.relist())) return;
    for (const worker of this.workers.values()) worker.sync(this.observed);
  }

  /** Forgets ended pods, starts those wanted again, and ends what runs and nobody wants. */
  private housekeep(): void {
    if (!this.options.sourcesReady()) return;
    for (const [uid, worker] of this.workers) {
      if (worker.hasEnded) this.workers.delete(uid);
    }
    this.reconcile();
    for (const uid of new Set(this.observed.containers.filter(isRunning).map(uidOf))) {
      if (!this.workers.has(uid)) void this.endOrphan(uid);
    }
  }

  private async endOrphan(uid: string): Promise<void> {
    if (this.endingOrphans.has(uid)) return;
    this.endingOrphans.add(uid);
    const { runtime, logger } = this.options;
    logger.info({ uid }, 'ending orphan pod');
    try {
      const own = this.observed.containers.filter(
        (container) => uidOf(container) === uid && isRunning(container),
      );
      await Promise.all(own.map(({ id }) => runtime.stopContainer(id, timings.kubeletOrphanGraceMs)));
      const sandboxes = this.observed.sandboxes.filter((sandbox) => uidOf(sandbox) === uid);
      for (const { id } of sandboxes) await runtime.stopSandbox(id);
    } catch (error) {
      logger.warn({ uid, error: String(error) }, 'orphan pod not ended');
    } finally {
      this.endingOrphans.delete(uid);
    }
  }

  /** Removes ended sandboxes with their containers, but those of a pod that is just being ended. */
  private async collectGarbage(): Promise<void> {
    const { runtime, logger } = this.options;
    const ended = this.observed.sandboxes.filter(
      (sandbox) => !isReady(sandbox) && !this.isBeingEnded(uidOf(sandbox)),
    );
    try {
      for (const { id } of ended) await runtime.removeSandbox(id);
    } catch (error) {
      logger.warn({ error: String(error) }, 'garbage not collected');
    }
  }

  private isBeingEnded(uid: string): boolean {
    const worker = this.workers.get(uid);
    return worker?.isEnding === true && !worker.hasEnded;
  }
}
