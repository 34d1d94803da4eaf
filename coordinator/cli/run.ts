import { asLockstepError, LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { type Command, CommanderError } from 'commander';
import { type Answer, format, jsonOf, jsonOfError, type OutputFormat } from './answer.ts';
import { EXIT, exitOfError } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { plain, printable, printableLines } from './plain.ts';
import type { Work } from './program/command.ts';
import { createProgram } from './program.ts';
import { failure } from './render/refusals.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line and returns its exit code; whatever happens is said, never thrown. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let work: Work | undefined;
  const program = createProgram((chosen) => {
    work = chosen;
  });
  const said = tame(program, terminal);
  try {
    program.parse([...args], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return EXIT.done;
    if (asksForJson(args)) {
      const error = new LockstepError('USAGE', { message: thrown.message.replace(/^error: /, '') });
      terminal.out(`${printable(JSON.stringify(jsonOfError(error)))}\n`);
    } else terminal.err(printableLines(said()));
    return EXIT.usage;
  }
  if (work === undefined) return EXIT.usage;
  switch (work.kind) {
    case 'text':
      terminal.out(work.text);
      return EXIT.done;
    case 'foreground':
      return await guarded(terminal, 'table', () => (work as Extract<Work, { kind: 'foreground' }>).run());
    default:
      return await answer(work, terminal);
  }
}

/** Keeps commander from ending the process, and what it says about an error for one place to print. */
function tame(program: Command, terminal: Terminal): () => string {
  let said = '';
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  for (const command of all(program)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => {
        said += text;
      },
      getOutHelpWidth: () => terminal.layout(false).width,
      getErrHelpWidth: () => terminal.layout(false).width,
    });
  }
  return () => said;
}

function asksForJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      /^(-o=?json|--output=json)$/.test(arg) || (/^(-o|--output)$/.test(arg) && args[index + 1] === 'json'),
  );
}

async function answer(
  { ask, options, onlyReads = false }: Extract<Work, { kind: 'answer' }>,
  terminal: Terminal,
): Promise<number> {
  const interrupted = new AbortController();
  // Without a handler Ctrl-C ends the program at once, also in the middle of a long reading.
  using _ = onlyReads ? undefined : terminal.onInterrupt(() => interrupted.abort(new Interrupted()));
  const { output, config, context } = options;
  const invocation: Invocation = {
    terminal,
    output,
    layout: terminal.layout(output === 'wide'),
    location: {
      environment: terminal.environment,
      ...(config === undefined ? {} : { file: config }),
      ...(context === undefined ? {} : { context }),
    },
    signal: interrupted.signal,
    operationId: '',
  };
  return await guarded(
    terminal,
    output,
    async () => {
      const found = await ask(invocation);
      if (found.write === undefined) terminal.out(await written(found, invocation));
      else found.write((text) => terminal.out(text), output, invocation.layout);
      return found.exit ?? EXIT.done;
    },
    invocation,
  );
}

/** After JSON lines the answer is one more line; alone, it is a document for people too. */
async function written(found: Answer, { output, layout, operationId }: Invocation): Promise<string> {
  const lines = output === 'json' && operationId !== '';
  return lines
    ? `${printable(JSON.stringify({ type: 'result', ...jsonOf(found) }))}\n`
    : await format(found, output, layout);
}

class Interrupted extends Error {}

async function guarded(
  terminal: Terminal,
  output: OutputFormat,
  run: () => Promise<number>,
  invocation?: Invocation,
): Promise<number> {
  try {
    return await run();
  } catch (thrown) {
    if (thrown instanceof Interrupted || invocation?.signal.aborted === true) {
      terminal.err('\nInterrupted.\n');
      return EXIT.detached;
    }
    const error = asLockstepError(thrown);
    if (output === 'json') {
      terminal.out(`${printable(JSON.stringify(plain(jsonOfError(error, invocation?.operationId))))}\n`);
    } else {
      const lines = failure(terminal.layout(output === 'wide'), toFailure(error), output === 'wide');
      terminal.err(lines.map((line) => `${line}\n`).join(''));
    }
    return exitOfError(error.code);
  }
}
