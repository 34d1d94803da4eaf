import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { waitFor } from '@lockstep/shared/waiting.ts';
import type { ClientFiles } from '../api-server/client.ts';
import { outageMs, type ProbeEvent } from './availability.ts';

const PROGRAM = fileURLToPath(new URL('./main.ts', import.meta.url));
const POLL_MS = 10;

/** A prober's process and what it has said so far. */
export class Prober implements AsyncDisposable {
  private readonly process: ChildProcess;
  private readonly said: ProbeEvent[] = [];

  private constructor(process: ChildProcess) {
    this.process = process;
    if (process.stdout === null) throw new Error('the prober has no output');
    createInterface({ input: process.stdout }).on('line', (line) =>
      this.said.push(JSON.parse(line) as ProbeEvent),
    );
  }

  /** Resolves once a first write has worked. `servers` are origins: `https://127.0.0.1:6443`. */
  static async start(servers: readonly string[], files: ClientFiles, signal: AbortSignal): Promise<Prober> {
    const prober = new Prober(
      spawn(
        process.execPath,
        [
          PROGRAM,
          `--servers=${servers.join(',')}`,
          `--ca=${files.caFile}`,
          `--cert=${files.certFile}`,
          `--key=${files.keyFile}`,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      ),
    );
    try {
      await prober.waitUp(signal);
      return prober;
    } catch (error) {
      await prober[Symbol.asyncDispose]();
      throw error;
    }
  }

  get events(): readonly ProbeEvent[] {
    return this.said;
  }

  get isUp(): boolean {
    return this.said.at(-1)?.event === 'up';
  }

  async waitUp(signal: AbortSignal): Promise<void> {
    await waitFor({ describe: () => 'the API takes writes', check: async () => this.isUp }, POLL_MS, signal);
  }

  async waitDown(signal: AbortSignal): Promise<void> {
    await waitFor(
      { describe: () => 'the API takes no writes', check: async () => this.said.at(-1)?.event === 'down' },
      POLL_MS,
      signal,
    );
  }

  /** Ends the process. The outages that it saw, together. */
  async stop(): Promise<number> {
    await this[Symbol.asyncDispose]();
    return outageMs(this.said);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const closed = once(this.process, 'close');
    this.process.kill('SIGTERM');
    await closed;
  }
}
