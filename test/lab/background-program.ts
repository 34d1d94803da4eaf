import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isAlive, type ProcessId, signalProcess, startInBackground, waitGone } from './processes.ts';

export interface BackgroundProgramOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly logFile: string;
  readonly environment: NodeJS.ProcessEnv;
  /** As in `startInBackground`; asked at each start. */
  readonly enter?: () => readonly string[];
}

const STOP_TIMEOUT_MS = 10_000;

/** A program of the lab that is on no node: the coordinator, a NATS server. Nothing restarts it but the lab's user. */
export class BackgroundProgram {
  readonly name: string;
  readonly logFile: string;
  private readonly options: BackgroundProgramOptions;
  private process: ProcessId | undefined;

  constructor(options: BackgroundProgramOptions, running?: ProcessId) {
    this.options = options;
    this.name = options.name;
    this.logFile = options.logFile;
    this.process = running;
  }

  get running(): ProcessId | undefined {
    return this.process !== undefined && isAlive(this.process) ? this.process : undefined;
  }

  /** Does nothing where it runs. Resolves when the process is there, not when it serves. */
  async start(): Promise<void> {
    if (this.running !== undefined) return;
    const [program = '', ...args] = this.options.command;
    const { logFile, environment, enter } = this.options;
    await mkdir(dirname(logFile), { recursive: true });
    this.process = await startInBackground(program, args, {
      logFile,
      environment,
      enter: enter?.() ?? [],
    });
  }

  /** SIGTERM, and SIGKILL after ten seconds. Resolves once it is gone. */
  async stop(): Promise<void> {
    const running = this.running;
    if (running === undefined) return;
    signalProcess(running, 'SIGTERM');
    try {
      await waitGone(running, AbortSignal.timeout(STOP_TIMEOUT_MS));
    } catch {
      await this.kill();
    }
  }

  /** SIGKILL resolves once it is gone; other signals are only sent. False where nothing ran. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<boolean> {
    const running = this.running;
    if (running === undefined || !signalProcess(running, signal)) return false;
    if (signal === 'SIGKILL') await waitGone(running, AbortSignal.timeout(STOP_TIMEOUT_MS));
    return true;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}
