import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** Host paths as text. All are absolute, and none climbs: what comes from a plan must say where it leads. */

/** "/a//b/./c/" is "/a/b/c". Throws PATH_NOT_ALLOWED for a relative path and for one with "..". */
export function cleanPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (!path.startsWith('/') || parts.includes('..')) {
    throw new LockstepError('PATH_NOT_ALLOWED', { message: `'${path}' is no plain absolute path.` });
  }
  return `/${parts.join('/')}`;
}

export function below(path: string, ...names: readonly string[]): string {
  return cleanPath([path, ...names].join('/'));
}

/** The directory that a path lies in; the root lies in itself. */
export function parentOf(path: string): string {
  return below(path.slice(0, path.lastIndexOf('/') + 1));
}
