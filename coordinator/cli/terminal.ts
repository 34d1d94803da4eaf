import { createInterface } from 'node:readline/promises';
import type { Layout } from './render/layout.ts';

/** Where a command speaks and listens; a test brings its own. */
export interface Terminal {
  /** Standard output is a person's screen. */
  readonly interactive: boolean;
  /** Standard error is one: what is said of long work there disturbs no program. */
  readonly showsProgress: boolean;
  layout(wide: boolean): Layout;
  /** Lines that fit on the screen. */
  rows(): number;
  out(text: string): void;
  err(text: string): void;
  /** The line that a person typed; unset where nobody can. */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
  /** Calls back on Ctrl-C until disposed. */
  onInterrupt(handler: () => void): Disposable;
  nowMs(): number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Wide enough that nothing is cut where a program reads. */
const PIPED_WIDTH = 200;
const MIN_WIDTH = 40;

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  // The reader went away: what is left to say has nobody to hear it.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const interactive = stdout.isTTY && env['TERM'] !== 'dumb';
  const width = (): number => {
    const asked = Number(env['COLUMNS']);
    const natural = stdout.isTTY ? stdout.columns : asked > 0 ? asked : PIPED_WIDTH;
    return Math.max(MIN_WIDTH, natural || PIPED_WIDTH);
  };
  return {
    interactive,
    showsProgress: stderr.isTTY && env['TERM'] !== 'dumb',
    layout: (wide) => ({
      width: width(),
      colour: interactive && (env['NO_COLOR'] ?? '') === '',
      unicode: speaksUtf8(env),
      wide,
    }),
    rows: () => (stdout.isTTY ? stdout.rows : 24),
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    ask: async (question, signal) => {
      if (!stdin.isTTY || !interactive) return undefined;
      const prompt = createInterface({ input: stdin, output: stdout });
      try {
        return await prompt.question(question, { signal });
      } finally {
        prompt.close();
      }
    },
    onInterrupt: (handler) => {
      process.on('SIGINT', handler);
      return { [Symbol.dispose]: () => void process.off('SIGINT', handler) };
    },
    nowMs: () => Date.now(),
    environment: env,
  };
}

function speaksUtf8(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'C.UTF-8';
  return /utf-?8/i.test(locale);
}
