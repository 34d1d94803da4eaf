import { LockstepError } from '../../errors/lockstep-error.ts';

/** A bound, a page or a row that no etcd would write. */
export function corrupt(message: string): LockstepError {
  return new LockstepError('SNAPSHOT_CORRUPT', { message });
}
