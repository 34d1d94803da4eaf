import type { Answer, OutputFormat } from './answer.ts';
import { type ConfigLocation, loadContext } from './config.ts';
import type { Coordinator } from './coordinator.ts';
import type { Layout } from './render/layout.ts';
import type { Terminal } from './terminal.ts';

/** One run of the command line, as its commands see it. */
export interface Invocation {
  readonly terminal: Terminal;
  readonly output: OutputFormat;
  readonly layout: Layout;
  readonly location: ConfigLocation;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Once known, so that an error's JSON can name it. */
  operationId: string;
}

/** Asks the coordinator of the chosen context, and hangs up afterwards. */
export async function withCoordinator(
  invocation: Invocation,
  ask: (coordinator: Coordinator) => Promise<Answer>,
): Promise<Answer> {
  const { Coordinator } = await import('./coordinator.ts');
  using coordinator = new Coordinator(await loadContext(invocation.location), invocation.signal);
  return await ask(coordinator);
}
