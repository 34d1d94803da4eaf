import { constants } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** A copy of a data directory that no server has open; blocks are shared where the filesystem can. Throws SPACE_TOO_LITTLE. */
export async function copyStore(store: string, copy: string): Promise<void> {
  try {
    await cp(store, copy, {
      recursive: true,
      errorOnExist: true,
      force: false,
      mode: constants.COPYFILE_FICLONE,
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new LockstepError('SPACE_TOO_LITTLE', {
      message: `${join(copy, '..')} has no room for a second copy of the store.`,
      cause,
    });
  }
}
