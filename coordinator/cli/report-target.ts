import { randomBytes } from 'node:crypto';
import { lstat, rename, rm, stat, writeFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** Where a report goes. */
export interface ReportTarget {
  readonly out: string;
  /** Writes over a file that is there. */
  readonly force: boolean;
}

/**
 * Before the long reading: what is read is never written, whatever it is called and whoever asks for
 * it, and what is there is not written over unasked. Throws USAGE.
 */
export async function requireTarget({ out, force }: ReportTarget, sources: readonly string[]): Promise<void> {
  if ((await lstat(out).catch(() => undefined)) === undefined) return;
  const target = await stat(out).catch(() => undefined);
  for (const source of sources) {
    const { dev, ino } = (await stat(source).catch(() => undefined)) ?? {};
    if (target === undefined || dev !== target.dev || ino !== target.ino) continue;
    throw usage(`${out} is ${source}, which the report is made from: name another file with --out.`);
  }
  if (!force) throw usage(`${out} is there already; --force writes over it.`);
}

/** For its owner alone, and never half of it: what stood there stands until the page is whole. Throws USAGE. */
export async function writePage(out: string, page: string): Promise<void> {
  const part = `${out}.${randomBytes(4).toString('hex')}.part`;
  try {
    await writeFile(part, page, { mode: 0o600, flag: 'wx' });
    await rename(part, out);
  } catch (cause) {
    await rm(part, { force: true });
    throw usage(`${out} cannot be written: ${(cause as Error).message}.`, cause);
  }
}

function usage(message: string, cause?: unknown): LockstepError {
  return new LockstepError('USAGE', { message, cause });
}
