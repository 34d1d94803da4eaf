import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Layout } from '@lockstep/coordinator/cli/render/layout.ts';
import { runCommandLine } from '@lockstep/coordinator/cli/run.ts';
import type { Terminal } from '@lockstep/coordinator/cli/terminal.ts';

const MAIN = resolve(import.meta.dirname, '../../../coordinator/cli/main.ts');

export interface Ended {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command line as a process of its own, its output piped. */
export class CommandLineProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #out = '';

  constructor(args: readonly string[], environment: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...environment },
    });
    let err = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    this.ended = new Promise((done) => {
      this.#child.once('close', (exit) => done({ exit, out: this.#out, err }));
    });
  }

  get out(): string {
    return this.#out;
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }
}

/** A screen that keeps what was written to it, and fingers that type what a test says. */
export class RecordingTerminal implements Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly interactive: boolean;
  readonly showsProgress = false;
  readonly #typed: string | undefined;
  readonly #interrupts = new Set<() => void>();
  written = '';
  complained = '';

  constructor(environment: Record<string, string>, screen?: { readonly typed?: string }) {
    this.environment = environment;
    this.interactive = screen !== undefined;
    this.#typed = screen?.typed;
  }

  layout(wide: boolean): Layout {
    return { width: 100, colour: false, unicode: true, wide };
  }

  rows(): number {
    return 24;
  }

  out(text: string): void {
    this.written += text;
  }

  err(text: string): void {
    this.complained += text;
  }

  async ask(question: string): Promise<string | undefined> {
    if (!this.interactive) return undefined;
    this.written += question;
    return this.#typed;
  }

  onInterrupt(handler: () => void): Disposable {
    this.#interrupts.add(handler);
    return { [Symbol.dispose]: () => void this.#interrupts.delete(handler) };
  }

  interrupt(): void {
    for (const handler of this.#interrupts) handler();
  }

  nowMs(): number {
    return Date.now();
  }
}

/** The command line in this process: as whole as the other, without the time that a process takes to start. */
export async function lockstep(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const terminal = new RecordingTerminal({ HOME: '/nonexistent', ...environment });
  const exit = await runCommandLine(args, terminal);
  return { exit, out: terminal.written, err: terminal.complained };
}
