import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@lockstep/shared/logging.ts';
import { mapArgument } from '../container-runtime/path-mapping.ts';
import { identify, type ProcessId, signalProcess } from '../processes.ts';
import { parseEnvironment, type UnitDefinition } from './unit-file.ts';

/** Whose paths on the node are elsewhere on this machine. */
const NODE_TREES = ['/etc', '/usr', '/var'].map((path) => ({ containerPath: path, hostPath: path }));

export type ActiveState = 'inactive' | 'active' | 'activating' | 'deactivating' | 'failed';

/** What a unit needs of its manager. */
export interface UnitHost {
  /** Of the node: conditions' paths are below it. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string>>;
  logPath(unit: string): string;
  readonly logger: Logger;
}

/** One service: at most one main process, kept as its definition says. */
export class Unit {
  readonly name: string;
  definition: UnitDefinition;
  private readonly host: UnitHost;
  private main: { readonly id: ProcessId; readonly ended: Promise<void> } | undefined;
  private state: ActiveState = 'inactive';
  private subState = 'dead';
  private lastResult = 'success';
  private lastCondition = false;
  private restartCount = 0;
  /** Ends a pending restart. */
  private pending: AbortController | undefined;
  private stopping: Promise<void> | undefined;

  constructor(name: string, definition: UnitDefinition, host: UnitHost) {
    this.name = name;
    this.definition = definition;
    this.host = host;
  }

  get activeState(): ActiveState {
    return this.state;
  }

  properties(): Record<string, string> {
    return {
      Id: this.name,
      Description: this.definition.description,
      ActiveState: this.state,
      SubState: this.subState,
      MainPID: String(this.main?.id.pid ?? 0),
      TasksCurrent: this.main === undefined ? '[not set]' : '1',
      ConditionResult: this.lastCondition ? 'yes' : 'no',
      Result: this.lastResult,
      NRestarts: String(this.restartCount),
      Restart: this.definition.restart,
    };
  }

  /** Starts it where its conditions hold; where they do not, it stays inactive and that is no failure. */
  async start(): Promise<void> {
    await this.stopping;
    this.pending?.abort();
    if (this.main !== undefined) return;
    this.restartCount = 0;
    this.launch();
  }

  /** Resolves once the main process is gone. No restart follows. */
  async stop(): Promise<void> {
    this.pending?.abort();
    this.pending = undefined;
    this.stopping ??= this.endMain().finally(() => {
      this.stopping = undefined;
    });
    await this.stopping;
    if (this.state !== 'failed') this.become('inactive', 'dead');
  }

  /** Signals the main process and leaves what follows to the restart policy. False where there is none. */
  kill(signal: NodeJS.Signals): boolean {
    return this.main !== undefined && signalProcess(this.main.id, signal, true);
  }

  private launch(): void {
    const { conditions } = this.definition;
    const { execStart, environment } = this.command();
    this.lastCondition = conditions.every(
      ({ path, negated }) => existsSync(`${this.host.root}${path}`) !== negated,
    );
    if (!this.lastCondition) {
      this.host.logger.info({ unit: this.name }, 'condition not met');
      this.become('inactive', 'dead');
      return;
    }
    const [program, ...args] = execStart;
    if (program === undefined) {
      this.lastResult = 'exec-condition';
      this.become('failed', 'failed');
      return;
    }
    const log = openSync(this.host.logPath(this.name), 'a');
    try {
      const child = spawn(program, args, {
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...this.host.environment, ...environment },
        cwd: '/',
      });
      const ended = new Promise<void>((resolve) => {
        child.once('error', (error) => {
          this.host.logger.error({ unit: this.name, error: error.message }, 'cannot be started');
          this.onEnded(child.pid, 1, null);
          resolve();
        });
        child.once('exit', (code, signal) => {
          this.onEnded(child.pid, code, signal);
          resolve();
        });
      });
      const id = child.pid === undefined ? undefined : identify(child.pid);
      if (id === undefined) return;
      this.main = { id, ended };
      this.lastResult = 'success';
      this.become('active', 'running');
      this.host.logger.info({ unit: this.name, pid: id.pid }, 'started');
    } finally {
      closeSync(log);
    }
  }

  /** What is started: variables from their files, and where the unit says so paths below the node's root. */
  private command(): { execStart: readonly string[]; environment: Readonly<Record<string, string>> } {
    const { execStart, environment, environmentFiles, mapPaths } = this.definition;
    const { root } = this.host;
    const fromFiles = environmentFiles.map((path) => join(root, path.replace(/^-/, '')));
    const whole = Object.assign(
      { ...environment },
      ...fromFiles
        .filter((path) => existsSync(path))
        .map((path) => parseEnvironment(readFileSync(path, 'utf8'))),
    ) as Record<string, string>;
    if (!mapPaths) return { execStart, environment: whole };
    const map = (word: string): string => mapArgument(word, NODE_TREES, root);
    return {
      execStart: execStart.map(map),
      environment: Object.fromEntries(Object.entries(whole).map(([name, value]) => [name, map(value)])),
    };
  }

  private onEnded(pid: number | undefined, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.main !== undefined && this.main.id.pid !== pid) return;
    this.main = undefined;
    this.host.logger.info({ unit: this.name, code, signal }, 'ended');
    if (this.stopping !== undefined) return;
    const clean = code === 0 || signal === 'SIGTERM';
    this.lastResult = clean ? 'success' : signal === null ? 'exit-code' : 'signal';
    const { restart } = this.definition;
    if (restart === 'always' || (restart === 'on-failure' && !clean)) void this.restartLater();
    else this.become(clean ? 'inactive' : 'failed', clean ? 'dead' : 'failed');
  }

  private async restartLater(): Promise<void> {
    const pending = new AbortController();
    this.pending = pending;
    this.become('activating', 'auto-restart');
    try {
      await delay(this.definition.restartMs, undefined, { signal: pending.signal });
    } catch {
      return;
    }
    this.pending = undefined;
    this.restartCount++;
    this.launch();
  }

  private async endMain(): Promise<void> {
    const main = this.main;
    if (main === undefined) return;
    this.become('deactivating', 'stop-sigterm');
    const group = this.definition.killMode === 'control-group';
    signalProcess(main.id, 'SIGTERM', group);
    // As systemd does it: one that was stopped with SIGSTOP is to hear it, too.
    signalProcess(main.id, 'SIGCONT', group);
    const timeout = new AbortController();
    const expired = delay(this.definition.stopTimeoutMs, true, { signal: timeout.signal }).catch(() => false);
    if (await Promise.race([main.ended.then(() => false), expired])) {
      this.lastResult = 'timeout';
      signalProcess(main.id, 'SIGKILL', group);
      await main.ended;
    }
    timeout.abort();
  }

  private become(state: ActiveState, subState: string): void {
    this.state = state;
    this.subState = subState;
  }
}
