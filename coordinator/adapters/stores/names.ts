import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** Plain, never hidden, never a path: the same in a directory and in a bucket. */
const OBJECT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/;

export function isObjectName(name: string): boolean {
  return OBJECT_NAME.test(name);
}

export function requireObjectName(name: string): void {
  if (isObjectName(name)) return;
  throw new LockstepError('COPY_NOT_FOUND', {
    message: `${JSON.stringify(name.slice(0, 200))} is no name in a store.`,
  });
}
