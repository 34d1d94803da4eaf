import type { Layout } from '../render/layout.ts';
import { runCommandLine } from '../run.ts';
import type { Terminal } from '../terminal.ts';

/** What a command wrote, and how it ended. */
export interface Said {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface ScreenOptions {
  readonly width?: number;
  readonly colour?: boolean;
  readonly unicode?: boolean;
  /** The clock that commands go by. */
  readonly nowMs?: number;
}

/** No configuration, and no coordinator: there is none to be found. */
const NOBODY = { HOME: '/nonexistent', LOCKSTEP_CONFIG: '/nonexistent' };

/** Keeps what a command writes. Nobody types. */
export class Screen implements Terminal {
  readonly environment = NOBODY;
  readonly interactive = false;
  readonly showsProgress = false;
  readonly #options: ScreenOptions;
  written = '';
  complained = '';

  constructor(options: ScreenOptions = {}) {
    this.#options = options;
  }

  layout(wide: boolean): Layout {
    const { width = 80, colour = false, unicode = true } = this.#options;
    return { width, colour, unicode, wide };
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

  ask(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  onInterrupt(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  nowMs(): number {
    return this.#options.nowMs ?? Date.now();
  }
}

/** One whole command line, in this process. */
export async function say(args: readonly string[], options?: ScreenOptions): Promise<Said> {
  const screen = new Screen(options);
  const exit = await runCommandLine(args, screen);
  return { exit, out: screen.written, err: screen.complained };
}
