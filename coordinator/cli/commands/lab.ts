import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** Seen from this file in the repository; an installed Lockstep has none. */
const REPOSITORY = resolve(import.meta.dirname, '..', '..', '..');
const PROGRAMS = { lab: 'test/lab/main.ts', demo: 'test/demo/main.ts' } as const;

/** Runs a program of the lab in the foreground and ends as it ends. Throws USAGE outside the repository. */
export async function runLab(program: keyof typeof PROGRAMS, args: readonly string[]): Promise<number> {
  const path = resolve(REPOSITORY, PROGRAMS[program]);
  if (!existsSync(path)) {
    throw new LockstepError('USAGE', {
      message: 'The lab is part of the repository, and this is an installed Lockstep.',
    });
  }
  const child = spawn(process.execPath, [path, ...args], { stdio: 'inherit' });
  // Ctrl-C reaches the child by itself; this program waits for it to tidy up.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  try {
    return await new Promise<number>((done, failed) => {
      child.once('error', failed);
      child.once('exit', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 1)));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
