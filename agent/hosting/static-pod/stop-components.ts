import { closeSync } from 'node:fs';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';

import type { ContainerRuntime, StaticPod } from '../../adapters/cri.ts';
import { errorCodeOf } from '../../adapters/host-files.ts';
import type { Syscalls } from '../../adapters/syscalls.ts';
import type { Component } from '../../ports.ts';

/** A killed process still has its memory and files to give back: milliseconds, seconds on a busy machine. */
const EXIT_PATIENCE_MS = 10_000;
const EXIT_POLL_MS = 10;

interface Watched {
  readonly component: string;
  readonly pid: number;
  readonly pidfd: number;
}

/**
 * Stops static pods and remembers their processes: a descriptor taken while the process lived tells
 * for certain when it has ended, whatever the runtime says and whoever gets its number next.
 */
export class ComponentStopper {
  readonly #runtime: ContainerRuntime;
  readonly #syscalls: Syscalls;
  #watched: Watched[] = [];

  constructor(runtime: ContainerRuntime, syscalls: Syscalls) {
    this.#runtime = runtime;
    this.#syscalls = syscalls;
  }

  /**
   * SIGKILL to every container at once, then their sandboxes are stopped and removed. Resolves when
   * their processes have ended; rejects with STOP_UNPROVEN if they do not. Idempotent.
   */
  async stop(components: readonly Component[], signal: AbortSignal): Promise<void> {
    const pods = await this.#runtime.staticPods(components, signal);
    const alive = pods.flatMap((pod) =>
      pod.containers.filter(({ state }) => state !== 'exited').map(({ id }) => ({ pod, id })),
    );
    await Promise.all(
      alive.map(async ({ pod, id }) => {
        await this.#watch(pod, id, signal);
        await this.#runtime.killContainer(id, signal);
      }),
    );
    await Promise.all(
      pods.map(async ({ sandboxId }) => {
        await this.#runtime.stopSandbox(sandboxId, signal);
        await this.#runtime.removeSandbox(sandboxId, signal);
      }),
    );
    await this.#waitEnded(components, signal);
  }

  /** Pids of watched processes of these components that have not ended. */
  survivors(components: readonly Component[]): number[] {
    const ended = this.#watched.filter(({ pidfd }) => this.#syscalls.pidfdExited(pidfd));
    for (const { pidfd } of ended) closeSync(pidfd);
    this.#watched = this.#watched.filter((one) => !ended.includes(one));
    const names: readonly string[] = components;
    return this.#watched.filter(({ component }) => names.includes(component)).map(({ pid }) => pid);
  }

  async #waitEnded(components: readonly Component[], signal: AbortSignal): Promise<void> {
    const ended = {
      describe: () => `the processes of ${components.join(', ')} have ended`,
      check: async () => this.survivors(components).length === 0,
    };
    try {
      await waitFor(ended, EXIT_POLL_MS, deadline(EXIT_PATIENCE_MS, signal));
    } catch (cause) {
      signal.throwIfAborted();
      throw new LockstepError('STOP_UNPROVEN', {
        message: `Processes ${this.survivors(components).join(', ')} were killed ${EXIT_PATIENCE_MS} ms ago and are still there.`,
        cause,
      });
    }
  }

  async #watch({ component }: StaticPod, containerId: string, signal: AbortSignal): Promise<void> {
    // Not to know the process is no reason not to stop it: its files and listeners tell as well.
    const pid = await this.#runtime.pidOf(containerId, signal).catch(() => undefined);
    if (pid === undefined) return;
    try {
      this.#watched.push({ component, pid, pidfd: this.#syscalls.pidfdOpen(pid) });
    } catch (thrown) {
      if (errorCodeOf(thrown) !== 'ESRCH') throw thrown;
    }
  }
}
