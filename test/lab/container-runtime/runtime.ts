import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@lockstep/shared/logging.ts';
import { identify, isAlive, type ProcessId, signalProcess } from '../processes.ts';
import { timings } from '../timings.ts';
import { type ImagePrograms, programOf } from './image-programs.ts';
import { mapArgument } from './path-mapping.ts';
import { type ContainerRecord, RecordStore, type SandboxRecord } from './records.ts';

export type ContainerState = 'created' | 'running' | 'exited';

/** What a killed process leaves as its exit code when nobody was there to see it. */
const UNKNOWN_EXIT_CODE = 255;
const SIGNAL_EXIT_BASE = 128;
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15, SIGABRT: 6, SIGSEGV: 11 };
/** How often a stop looks whether the process is gone. */
const STOP_POLL_MS = 10;

/**
 * Sandboxes and containers of one node. Containers are processes of the host in groups of their own:
 * they outlive this process, and the next one finds them by pid and start time, as containerd's shims do.
 */
export class Runtime {
  readonly sandboxes: RecordStore<SandboxRecord>;
  readonly containers: RecordStore<ContainerRecord>;
  private readonly root: string;
  private readonly environment: NodeJS.ProcessEnv;
  private readonly programs: ImagePrograms;
  private readonly logger: Logger;

  constructor(options: {
    readonly root: string;
    readonly environment: NodeJS.ProcessEnv;
    readonly programs: ImagePrograms;
    readonly logger: Logger;
  }) {
    this.root = options.root;
    this.environment = options.environment;
    this.programs = options.programs;
    this.logger = options.logger;
    const directory = join(options.root, 'var/lib/containerd');
    this.sandboxes = new RecordStore(join(directory, 'sandboxes'));
    this.containers = new RecordStore(join(directory, 'containers'));
    for (const container of this.containers.all()) void this.watchAdopted(container);
  }

  async createSandbox(sandbox: Omit<SandboxRecord, 'id' | 'createdAtMs' | 'ready'>): Promise<string> {
    await delay(timings.runPodSandboxMs);
    const id = newId();
    mkdirSync(join(this.root, sandbox.logDirectory), { recursive: true });
    this.sandboxes.put({ ...sandbox, id, createdAtMs: Date.now(), ready: true });
    return id;
  }

  async stopSandbox(id: string): Promise<void> {
    await Promise.all(this.containersOf(id).map((container) => this.stopContainer(container.id, 0)));
    const sandbox = this.sandboxes.get(id);
    if (sandbox?.ready === true) this.sandboxes.put({ ...sandbox, ready: false });
  }

  async removeSandbox(id: string): Promise<void> {
    await this.stopSandbox(id);
    for (const container of this.containersOf(id)) await this.removeContainer(container.id);
    this.sandboxes.delete(id);
  }

  /** Throws where the image is not at hand. */
  async createContainer(container: Omit<ContainerRecord, 'id' | 'createdAtMs'>): Promise<string> {
    programOf(container.image, container.command, this.programs);
    await delay(timings.createContainerMs);
    const id = newId();
    this.containers.put({ ...container, id, createdAtMs: Date.now() });
    return id;
  }

  /** Throws where the container is not there, was started before, or its program cannot be. */
  async startContainer(id: string): Promise<void> {
    await delay(timings.startContainerMs);
    const container = this.containers.get(id);
    if (container === undefined) throw new Error(`container ${id} not found`);
    if (container.process !== undefined) throw new Error(`container ${id} was started before`);
    const child = this.launch(container);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const process = child.pid === undefined ? undefined : identify(child.pid);
    const started = {
      ...container,
      process: process ?? { pid: child.pid ?? 0, startTime: '0' },
      startedAtMs: Date.now(),
    };
    this.containers.put(started);
    this.logger.info({ container: container.name, pid: child.pid }, 'container started');
    child.once('exit', (code, signal) => this.markExited(id, code ?? exitCodeOf(signal)));
    if (process === undefined && child.exitCode !== null) this.markExited(id, child.exitCode);
  }

  /** SIGTERM, and after the timeout SIGKILL; 0 is SIGKILL at once. Resolves once the process is gone. */
  async stopContainer(id: string, timeoutMs: number): Promise<void> {
    const process = this.containers.get(id)?.process;
    if (process === undefined || !isAlive(process)) return;
    if (timeoutMs > 0) {
      signalProcess(process, 'SIGTERM');
      if (await goneWithin(process, timeoutMs)) return this.markExited(id, SIGNAL_EXIT_BASE + 15);
    }
    signalProcess(process, 'SIGKILL', true);
    while (!(await goneWithin(process, timings.runtimePollMs))) signalProcess(process, 'SIGKILL', true);
    this.markExited(id, SIGNAL_EXIT_BASE + 9);
  }

  async removeContainer(id: string): Promise<void> {
    await this.stopContainer(id, 0);
    this.containers.delete(id);
  }

  containersOf(sandboxId: string): ContainerRecord[] {
    return this.containers.all().filter((container) => container.sandboxId === sandboxId);
  }

  private launch(container: ContainerRecord): ReturnType<typeof spawn> {
    const program = programOf(container.image, container.command, this.programs);
    const args = program.idle
      ? ['infinity']
      : container.command.slice(1).map((argument) => mapArgument(argument, container.mounts, this.root));
    const logPath = join(this.root, container.logPath);
    mkdirSync(dirname(logPath), { recursive: true });
    const log = openSync(logPath, 'a');
    try {
      return spawn(program.path, [...program.leadingArgs, ...args], {
        argv0: program.argv0,
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...this.environment, ...container.environment },
        cwd: '/',
      });
    } finally {
      closeSync(log);
    }
  }

  /** A container that an earlier runtime started: its end is seen by looking. */
  private async watchAdopted(container: ContainerRecord): Promise<void> {
    if (container.process === undefined || container.finishedAtMs !== undefined) return;
    while (isAlive(container.process)) await delay(timings.runtimePollMs, undefined, { ref: false });
    this.markExited(container.id, UNKNOWN_EXIT_CODE);
  }

  /** The first to see the end says how it was. */
  private markExited(id: string, exitCode: number): void {
    const container = this.containers.get(id);
    if (container === undefined || container.finishedAtMs !== undefined) return;
    this.containers.put({ ...container, finishedAtMs: Date.now(), exitCode });
    this.logger.info({ container: container.name, pid: container.process?.pid, exitCode }, 'container ended');
  }
}

/** Running only while its process is, whatever the record says. */
export function stateOf(container: ContainerRecord): ContainerState {
  if (container.process === undefined) return 'created';
  return container.finishedAtMs === undefined && isAlive(container.process) ? 'running' : 'exited';
}

async function goneWithin(process: ProcessId, timeoutMs: number): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  while (isAlive(process)) {
    if (performance.now() >= endMs) return false;
    await delay(STOP_POLL_MS);
  }
  return true;
}

function exitCodeOf(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : SIGNAL_EXIT_BASE + (SIGNAL_NUMBERS[signal] ?? 0);
}

/** As containerd's: 64 hexadecimal digits. */
function newId(): string {
  return randomBytes(32).toString('hex');
}
