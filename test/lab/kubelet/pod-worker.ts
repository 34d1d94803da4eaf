import type { Container } from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { timings } from '../timings.ts';
import { type ContainerRuntime, isReady, isRunning, type Observed, uidOf } from './container-runtime.ts';
import type { Pod } from './pod.ts';
import { prepareVolumes } from './volumes.ts';

interface BackOff {
  readonly delayMs: number;
  /** No start before. */
  readonly untilMs: number;
}

/** Keeps one pod running, or ends it. One action at a time; a pod that ends never starts again here. */
export class PodWorker {
  readonly pod: Pod;
  private readonly runtime: ContainerRuntime;
  private readonly root: string;
  private readonly logger: Logger;
  private readonly backOffs = new Map<string, BackOff>();
  private action: Promise<void> | undefined;
  private ending = false;
  private ended = false;

  constructor(pod: Pod, options: { runtime: ContainerRuntime; root: string; logger: Logger }) {
    this.pod = pod;
    this.runtime = options.runtime;
    this.root = options.root;
    this.logger = options.logger.child({ pod: `${pod.namespace}/${pod.name}` });
  }

  get isEnding(): boolean {
    return this.ending;
  }

  get hasEnded(): boolean {
    return this.ended;
  }

  /** Starts what should run and does not. Does nothing while an earlier action is under way. */
  sync(observed: Observed): void {
    if (this.action !== undefined || this.ending) return;
    this.action = this.start(observed)
      .catch((error: unknown) => this.logger.warn({ error: String(error) }, 'pod not synced'))
      .finally(() => {
        this.action = undefined;
      });
  }

  /** Ends the pod's containers within its grace, after what is under way. */
  end(graceMs: number): void {
    if (this.ending) return;
    this.ending = true;
    void this.finish(graceMs);
  }

  private async start(observed: Observed): Promise<void> {
    const sandboxes = observed.sandboxes.filter((sandbox) => uidOf(sandbox) === this.pod.uid);
    const containers = observed.containers.filter((container) => uidOf(container) === this.pod.uid);
    const ready = sandboxes.find(isReady);
    if (ready === undefined) {
      prepareVolumes(this.pod, this.root);
      const attempt = Math.max(-1, ...sandboxes.map(({ metadata }) => metadata?.attempt ?? 0)) + 1;
      const id = await this.runtime.runSandbox(this.pod, attempt);
      for (const container of this.pod.containers) {
        await this.runtime.runContainer(
          this.pod,
          container,
          { id, attempt },
          nextAttempt(containers, container.name),
        );
      }
      this.logger.info('pod started');
      return;
    }
    const sandbox = { id: ready.id, attempt: ready.metadata?.attempt ?? 0 };
    for (const container of this.pod.containers) {
      const previous = containers.filter(({ metadata }) => metadata?.name === container.name);
      if (previous.some(isRunning)) continue;
      if (previous.length > 0 && !this.mayRestart(container.name)) continue;
      await this.runtime.runContainer(this.pod, container, sandbox, nextAttempt(containers, container.name));
      this.logger.info({ container: container.name, restarts: previous.length }, 'container started');
      for (const old of previous) await this.runtime.removeContainer(old.id);
    }
  }

  /** The first restart is at once; each one after waits twice as long as the one before. */
  private mayRestart(container: string): boolean {
    const nowMs = performance.now();
    const backOff = this.backOffs.get(container);
    if (backOff !== undefined && nowMs < backOff.untilMs) return false;
    const forgotten = backOff === undefined || nowMs > backOff.untilMs + 2 * timings.kubeletBackOffMostMs;
    const delayMs = forgotten
      ? timings.kubeletBackOffMs
      : Math.min(2 * backOff.delayMs, timings.kubeletBackOffMostMs);
    this.backOffs.set(container, { delayMs, untilMs: nowMs + delayMs });
    return true;
  }

  private async finish(graceMs: number): Promise<void> {
    await this.action;
    while (!this.ended) {
      try {
        const { sandboxes, containers } = await this.runtime.observe();
        const own = containers.filter(
          (container) => uidOf(container) === this.pod.uid && isRunning(container),
        );
        this.logger.info({ graceMs, containers: own.length }, 'ending pod');
        await Promise.all(own.map(({ id }) => this.runtime.stopContainer(id, graceMs)));
        for (const sandbox of sandboxes.filter((sandbox) => uidOf(sandbox) === this.pod.uid)) {
          await this.runtime.stopSandbox(sandbox.id);
        }
        this.ended = true;
        this.logger.info('pod ended');
      } catch (error) {
        this.logger.warn({ error: String(error) }, 'pod not ended');
        await new Promise((resolve) => setTimeout(resolve, timings.kubeletPlegMs));
      }
    }
  }
}

function nextAttempt(containers: readonly Container[], name: string): number {
  const attempts = containers
    .filter(({ metadata }) => metadata?.name === name)
    .map(({ metadata }) => metadata?.attempt ?? 0);
  return Math.max(-1, ...attempts) + 1;
}
