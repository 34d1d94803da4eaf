import { parseOptions, type RunOptions, USAGE } from './command/options.ts';

const USAGE_ERROR = 2;
const INTERRUPTED = 130;

/** Modules of the product are loaded once it is clear that they are needed. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  switch (options.kind) {
    case 'help':
      process.stdout.write(USAGE);
      return 0;
    case 'unusable':
      process.stderr.write(`${options.why}\n\n${USAGE}`);
      return USAGE_ERROR;
    case 'replay': {
      const { parseToken } = await import('./token.ts');
      const { replay } = await import('./replay.ts');
      const { broken } = await replay(parseToken(options.token), (line) => process.stdout.write(`${line}\n`));
      return broken === undefined ? 0 : 1;
    }
    case 'shrink':
      return await shrinkToken(options.token);
    case 'run':
      return await runAll(options);
    default:
      return options satisfies never;
  }
}

async function runAll(options: RunOptions): Promise<number> {
  const { describeRun, run } = await import('./command/run.ts');
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const result = await run(options, say, interrupted.signal);
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : describeRun(result, options));
  const [first] = result.totals.failures;
  if (first !== undefined && options.shrinks) await shrinkToken(first.token);
  if (result.isInterrupted) return INTERRUPTED;
  return first === undefined && result.unmet.length === 0 ? 0 : 1;
}

/** Exit code 1: it breaks something; 0: it does not. */
async function shrinkToken(text: string): Promise<number> {
  const { faultText, parseToken, tokenText } = await import('./token.ts');
  const { shrink } = await import('./shrink.ts');
  const { simulate } = await import('./simulate.ts');
  const shrunk = await shrink(parseToken(text), simulate);
  if (shrunk === undefined) {
    process.stdout.write(`${text} breaks nothing\n`);
    return 0;
  }
  const faults = shrunk.token.script?.map((fault) => `  ${faultText(fault)}`) ?? [];
  process.stdout.write(
    `${shrunk.message}\nwith ${faults.length === 0 ? 'no fault at all' : 'these faults alone'}, found in ${shrunk.tried} runs:\n${faults.join('\n')}\nreplay: npm run sim -- --replay ${tokenText(shrunk.token)}\n`,
  );
  return 1;
}

// Whoever reads the trace may have seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
process.exitCode = await main(process.argv.slice(2));
