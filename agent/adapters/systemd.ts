import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';

import type { HostFiles } from './host-files.ts';
import { runProgram } from './run-program.ts';

/** A unit as the service manager shows it. */
export interface UnitState {
  /** "active", "inactive", "failed", "activating", "deactivating". */
  readonly activeState: string;
  /** 0: no process. */
  readonly mainPid: number;
  /** "loaded", "not-found", "masked". */
  readonly loadState: string;
  readonly needDaemonReload: boolean;
  readonly dropInPaths: readonly string[];
}

export interface UnitHoldSettings {
  /** Host path of systemctl. */
  readonly systemctl: string;
  /** "/etc/systemd/system" */
  readonly unitDir: string;
  /** "kubelet.service" */
  readonly unit: string;
  /** Host path: as long as it exists the unit does not start. */
  readonly holdFile: string;
  /** What to call it where the hold does not take; KUBELET_HOLD_FAILED where left out. */
  readonly failureCode?: 'KUBELET_HOLD_FAILED' | 'UNIT_HOLD_FAILED';
}

const PROPERTIES = 'ActiveState,MainPID,LoadState,NeedDaemonReload,DropInPaths';
const ACTIVE_POLL_MS = 20;
/** From the word to the first sign of a start. */
const START_PATIENCE_MS = 10_000;

/**
 * Keeps one unit from starting, across reboots. `systemctl mask` fails for a unit file in
 * /etc/systemd/system, so a drop-in makes the start depend on the absence of a file: to hold is to
 * write that file, to release is to remove it.
 */
export class UnitHold {
  readonly #settings: UnitHoldSettings;
  readonly #files: HostFiles;

  constructor(settings: UnitHoldSettings, files: HostFiles) {
    this.#settings = settings;
    this.#files = files;
  }

  get dropInPath(): string {
    const { unitDir, unit } = this.#settings;
    return `${unitDir}/${unit}.d/99-lockstep-hold.conf`;
  }

  get unit(): string {
    return this.#settings.unit;
  }

  get holdFile(): string {
    return this.#settings.holdFile;
  }

  get #failureCode(): 'KUBELET_HOLD_FAILED' | 'UNIT_HOLD_FAILED' {
    return this.#settings.failureCode ?? 'KUBELET_HOLD_FAILED';
  }

  async state(signal: AbortSignal): Promise<UnitState> {
    const { unit } = this.#settings;
    return parseUnitState(await this.#systemctl(['show', unit, `--property=${PROPERTIES}`], signal));
  }

  /**
   * Puts the condition in place and has it loaded, without holding anything. A reload may take long
   * on a busy host, so this belongs before the downtime. Does nothing where it is loaded already.
   */
  async prepare(signal: AbortSignal): Promise<UnitState> {
    let state = await this.state(signal);
    if (await this.#isPrepared(state, signal)) return state;
    await this.#files.makeDirectory(`${this.#settings.unitDir}/${this.#settings.unit}.d`, 0o755, signal);
    await this.#files.write(this.dropInPath, dropInContent(this.#settings.holdFile), 0o644, signal);
    await this.#systemctl(['daemon-reload'], signal);
    state = await this.state(signal);
    if (!this.#isLoaded(state)) {
      throw new LockstepError(this.#failureCode, {
        message: `${this.#settings.unit} does not show ${this.dropInPath} after a daemon-reload (${describeState(state)}).`,
      });
    }
    return state;
  }

  /**
   * Held durably, then stopped, proven by the service manager's own word. Where the condition is
   * loaded already this asks the service manager twice; each time costs milliseconds of downtime.
   */
  async hold(operationId: string, signal: AbortSignal): Promise<void> {
    const { holdFile } = this.#settings;
    await this.#files.inKeptRoom(() => this.#files.write(holdFile, `${operationId}\n`, 0o600, signal));
    await this.#systemctl(['stop', this.#settings.unit], signal);
    let state = await this.state(signal);
    if (!(await this.#isPrepared(state, signal))) {
      // Stopped but not yet kept from starting. Nothing of the node was touched so far.
      await this.prepare(signal);
      await this.#systemctl(['stop', this.#settings.unit], signal);
      state = await this.state(signal);
    }
    if (!isStopped(state)) {
      throw new LockstepError(this.#failureCode, {
        message: `${this.#settings.unit} did not stop (${describeState(state)}).`,
      });
    }
  }

  /** Held durably, and loaded; what runs goes on until it is stopped. From now on nothing starts it. */
  async mark(operationId: string, signal: AbortSignal): Promise<void> {
    const { holdFile } = this.#settings;
    await this.#files.inKeptRoom(() => this.#files.write(holdFile, `${operationId}\n`, 0o600, signal));
    await this.prepare(signal);
  }

  /**
   * Every process of the unit killed, then the unit stopped: no restart follows a stop that was
   * asked for. For what is crash-safe, and would take its time to stop by itself.
   */
  async kill(signal: AbortSignal): Promise<void> {
    // One that has no process left cannot be killed, and says so by failing.
    await this.#systemctl(['kill', '--signal=SIGKILL', this.#settings.unit], signal).catch(
      (thrown: unknown) => {
        signal.throwIfAborted();
        if (!(thrown instanceof LockstepError)) throw thrown;
      },
    );
    await this.#systemctl(['stop', this.#settings.unit], signal);
  }

  /**
   * The hold lifted and the start asked for, not waited for: a service that says by itself when it is
   * ready may need others for that, that start after it. Rejects where the unit is not on its way.
   */
  async startSoon(signal: AbortSignal): Promise<void> {
    await this.#files.remove(this.#settings.holdFile, signal);
    // Killed on purpose, perhaps more often than a unit may be started.
    await this.#systemctl(['reset-failed', this.#settings.unit], signal);
    await this.#systemctl(['start', '--no-block', this.#settings.unit], signal);
    let last: UnitState | undefined;
    const condition = {
      describe: () => `${this.#settings.unit} starts`,
      check: async () => {
        last = await this.state(signal);
        return last.activeState === 'active' || last.activeState === 'activating';
      },
    };
    try {
      await waitFor(condition, ACTIVE_POLL_MS, deadline(START_PATIENCE_MS, signal));
    } catch (cause) {
      signal.throwIfAborted();
      throw new LockstepError('SERVICE_MANAGER_FAILED', {
        message: `${this.#settings.unit} does not start${last === undefined ? '' : ` (${describeState(last)})`}.`,
        cause,
      });
    }
  }

  /** Properties as `systemctl show` names them; those that it does not say are not there. */
  async properties(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const output = await this.#systemctl(
      ['show', this.#settings.unit, `--property=${names.join(',')}`],
      signal,
    );
    return parseProperties(output);
  }

  /** The hold lifted, the unit started and active. The condition stays: without the file it holds nothing. */
  async release(signal: AbortSignal): Promise<void> {
    await this.#files.remove(this.#settings.holdFile, signal);
    await this.#systemctl(['start', this.#settings.unit], signal);
    let last: UnitState | undefined;
    const condition = {
      describe: () => `${this.#settings.unit} is active`,
      check: async () => {
        last = await this.state(signal);
        return last.activeState === 'active';
      },
    };
    try {
      await waitFor(condition, ACTIVE_POLL_MS, signal);
    } catch (thrown) {
      if (thrown instanceof LockstepError) throw thrown;
      throw new LockstepError('SERVICE_MANAGER_FAILED', {
        message: `${this.#settings.unit} did not become active${last === undefined ? '' : ` (${describeState(last)})`}.`,
        cause: thrown,
      });
    }
  }

  /**
   * Held: the file names this operation, and the service manager has loaded the condition on it.
   * Marked: the file is there at all, and may hold as soon as the condition is loaded.
   */
  async observe(
    operationId: string,
    signal: AbortSignal,
  ): Promise<{ held: boolean; marked: boolean; state: UnitState }> {
    const [state, owner] = await Promise.all([
      this.state(signal),
      this.#files.readIfThere(this.#settings.holdFile, signal),
    ]);
    const held = owner?.toString().trim() === operationId && this.#isLoaded(state);
    return { held, marked: owner !== undefined, state };
  }

  async #isPrepared(state: UnitState, signal: AbortSignal): Promise<boolean> {
    if (!this.#isLoaded(state)) return false;
    const present = await this.#files.readIfThere(this.dropInPath, signal);
    return present?.toString() === dropInContent(this.#settings.holdFile);
  }

  #isLoaded(state: UnitState): boolean {
    return state.dropInPaths.includes(this.dropInPath) && !state.needDaemonReload;
  }

  async #systemctl(args: readonly string[], signal: AbortSignal): Promise<string> {
    try {
      const program = this.#files.realPath(this.#settings.systemctl, 'read');
      return await runProgram(program, ['--no-pager', ...args], signal);
    } catch (thrown) {
      if (thrown instanceof LockstepError) throw thrown;
      throw new LockstepError('SERVICE_MANAGER_FAILED', {
        message: `systemctl ${args.join(' ')} failed.`,
        cause: thrown,
      });
    }
  }
}

export function dropInContent(holdFile: string): string {
  return [
    '# Lockstep keeps this unit stopped while the file below exists (a restore is under way).',
    '# To lift it by hand: remove that file, then start the unit.',
    '[Unit]',
    `ConditionPathExists=!${holdFile}`,
    '',
  ].join('\n');
}

/** Not "deactivating" and not "activating": only what has no process and will get none by itself. */
export function isStopped(state: UnitState): boolean {
  return (state.activeState === 'inactive' || state.activeState === 'failed') && state.mainPid === 0;
}

export function parseUnitState(output: string): UnitState {
  const values = parseProperties(output);
  const get = (name: string): string => {
    const value = values.get(name);
    // What is not said cannot be taken for "inactive".
    if (value !== undefined) return value;
    throw new LockstepError('SERVICE_MANAGER_FAILED', { message: `systemctl show did not say ${name}.` });
  };
  return {
    activeState: get('ActiveState'),
    mainPid: Number(get('MainPID')),
    loadState: get('LoadState'),
    needDaemonReload: get('NeedDaemonReload') !== 'no',
    dropInPaths: get('DropInPaths').split(' ').filter(Boolean),
  };
}

function parseProperties(output: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of output.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  return values;
}

function describeState(state: UnitState): string {
  return `ActiveState=${state.activeState} MainPID=${state.mainPid} LoadState=${state.loadState} NeedDaemonReload=${state.needDaemonReload ? 'yes' : 'no'}`;
}
