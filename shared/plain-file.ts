import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { LockstepError } from './errors/lockstep-error.ts';

/**
 * A file descriptor for reading, of a plain file and of nothing else: opening a named pipe would
 * wait for a writer without end, and a device is no file that somebody hands over. Throws
 * FILE_NOT_READABLE.
 */
export function openPlainFile(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (cause) {
    throw notReadable(WHY_NOT[(cause as NodeJS.ErrnoException).code ?? '']?.(path), path, cause);
  }
  const stats = fstatSync(fd);
  if (stats.isFile()) return fd;
  closeSync(fd);
  throw notReadable(`${path} is ${whatIs(stats)}, no plain file.`, path);
}

const WHY_NOT: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `There is no file ${path}.`,
  EACCES: (path) => `${path} may not be read by this user.`,
  ELOOP: (path) => `${path} is a symbolic link that leads back to itself.`,
  ENOTDIR: (path) => `There is no file ${path}: what stands before its last slash is no directory.`,
  ENXIO: (path) => `${path} is a socket, no plain file.`,
};

function notReadable(message = '', path: string, cause?: unknown): LockstepError {
  return new LockstepError('FILE_NOT_READABLE', {
    message: message === '' ? `${path} cannot be opened: ${(cause as Error).message}.` : message,
    cause,
  });
}

function whatIs(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a named pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}
