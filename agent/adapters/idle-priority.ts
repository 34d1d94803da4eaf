import { lstat } from 'node:fs/promises';

import { absentAsUndefined } from './host-files.ts';
import { runProgram } from './run-program.ts';

export interface Program {
  readonly program: string;
  readonly args: readonly string[];
}

interface Wrapper extends Program {
  /** What its help says where it can do that. */
  readonly needs?: string;
}

/** util-linux's and coreutils' tools, each of which becomes the program that it is given: one process, one number. */
const BACKGROUND: readonly Wrapper[] = [
  { program: '/usr/bin/ionice', args: ['-c', '3'] },
  { program: '/usr/bin/nice', args: ['-n', '19'] },
];
/** Whatever the agent's end is, the program does not outlive it. */
const DIES_WITH_US: Wrapper = {
  program: '/usr/bin/setpriv',
  args: ['--pdeathsig', 'KILL'],
  needs: '--pdeathsig',
};
/** SCHED_IDLE: it runs where nobody else wants to. */
const IDLE: Wrapper = { program: '/usr/bin/chrt', args: ['--idle', '0'] };

/** Idle disk and lowest processor priority, as far as the tools for it are there. */
export function inBackground(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Program> {
  return wrapped([DIES_WITH_US, ...BACKGROUND], program, args, signal);
}

/** The same, and only what time of the processors is left over. */
export function whenIdle(program: string, args: readonly string[], signal: AbortSignal): Promise<Program> {
  return wrapped([DIES_WITH_US, IDLE, ...BACKGROUND], program, args, signal);
}

async function wrapped(
  wrappers: readonly Wrapper[],
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Program> {
  let words = [program, ...args];
  for (const wrapper of wrappers.toReversed()) {
    if (await canWrap(wrapper, signal)) words = [wrapper.program, ...wrapper.args, ...words];
  }
  const [first = program, ...rest] = words;
  return { program: first, args: rest };
}

async function canWrap({ program, needs }: Wrapper, signal: AbortSignal): Promise<boolean> {
  if ((await absentAsUndefined(lstat(program))) === undefined) return false;
  if (needs === undefined) return true;
  const help = await runProgram(program, ['--help'], signal).catch(() => '');
  signal.throwIfAborted();
  return help.includes(needs);
}
