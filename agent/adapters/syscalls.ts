import { closeSync } from 'node:fs';
import { constants } from 'node:os';

import koffi from 'koffi';

/**
 * The system calls that Node lacks, called in libc. All are synchronous and short: none waits for
 * another process (locks are tried, never queued for).
 */

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const AT_FDCWD = -100;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const POLLIN = 1;

/** renameat2 has a libc wrapper only in newer libraries, pidfd_open hardly anywhere: both go by number. */
const SYSCALL_NUMBERS: Readonly<Record<string, { renameat2: number }>> = {
  x64: { renameat2: 316 },
  arm64: { renameat2: 276 },
  ppc64: { renameat2: 357 },
  s390x: { renameat2: 347 },
};
/** The same on every architecture, as is every call since Linux 5.0. */
const PIDFD_OPEN = 434;
const PIDFD_SEND_SIGNAL = 424;

/** A failed system call, shaped as Node's own: `code` is "EAGAIN", `errno` its negative number. */
export class SyscallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, detail: string) {
    const code = errnoCode(errno);
    super(`${code}: ${syscall} ${detail}`);
    this.name = 'SyscallError';
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
  }
}

export function errnoCode(errno: number): string {
  for (const [name, value] of Object.entries(constants.errno)) {
    // EWOULDBLOCK is EAGAIN, EOPNOTSUPP is ENOTSUP: one name for each number.
    if (value === errno && name !== 'EWOULDBLOCK' && name !== 'EOPNOTSUPP') return name;
  }
  return `E${errno}`;
}

interface Libc {
  flock(fd: number, operation: number): number;
  syncfs(fd: number): number;
  poll(fds: { fd: number; events: number; revents: number }[], count: number, timeoutMs: number): number;
  syscall(...args: unknown[]): number;
}

export class Syscalls {
  #libc: Libc | undefined;

  /** Takes the exclusive lock on an open file without waiting; false where somebody else holds it. */
  tryLock(fd: number): boolean {
    const libc = this.#load();
    if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
    const error = new SyscallError('flock', koffi.errno(), `fd ${fd}`);
    if (error.code === 'EAGAIN') return false;
    throw error;
  }

  unlock(fd: number): void {
    if (this.#load().flock(fd, LOCK_UN) !== 0) throw new SyscallError('flock', koffi.errno(), `fd ${fd}`);
  }

  /** Both must exist, on one filesystem; afterwards each bears the other's name. */
  renameExchange(a: string, b: string): void {
    this.#renameat2(a, b, RENAME_EXCHANGE);
  }

  /** Unlike rename(2), fails with EEXIST where anything bears the new name, an empty directory too. */
  renameNoReplace(from: string, to: string): void {
    this.#renameat2(from, to, RENAME_NOREPLACE);
  }

  /** A descriptor that stays with this one process, whatever becomes of its number. Throws ESRCH if there is none. */
  pidfdOpen(pid: number): number {
    const fd = this.#load().syscall(PIDFD_OPEN, 'int', pid, 'uint', 0);
    if (fd < 0) throw new SyscallError('pidfd_open', koffi.errno(), `pid ${pid}`);
    return fd;
  }

  /** SIGKILL to the process of a pidfd and to no other; nothing where it has ended. */
  pidfdKill(fd: number): void {
    const result = this.#load().syscall(
      PIDFD_SEND_SIGNAL,
      'int',
      fd,
      'int',
      constants.signals.SIGKILL,
      'void *',
      null,
      'uint',
      0,
    );
    if (result === 0) return;
    const error = new SyscallError('pidfd_send_signal', koffi.errno(), `pidfd ${fd}`);
    if (error.code !== 'ESRCH') throw error;
  }

  /** True once the process of a pidfd has ended, reaped or not. */
  pidfdExited(fd: number): boolean {
    const fds = [{ fd, events: POLLIN, revents: 0 }];
    const ready = this.#load().poll(fds, 1, 0);
    if (ready < 0) throw new SyscallError('poll', koffi.errno(), `pidfd ${fd}`);
    return ready > 0;
  }

  /** True where no live process has this number: it is gone, or a zombie that waits to be reaped. */
  processEnded(pid: number): boolean {
    let fd: number;
    try {
      fd = this.pidfdOpen(pid);
    } catch (thrown) {
      if (thrown instanceof SyscallError && thrown.code === 'ESRCH') return true;
      throw thrown;
    }
    try {
      return this.pidfdExited(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Everything that the file system of this descriptor holds in memory goes to disk. Blocks. */
  syncfs(fd: number): void {
    if (this.#load().syncfs(fd) !== 0) throw new SyscallError('syncfs', koffi.errno(), `fd ${fd}`);
  }

  #renameat2(from: string, to: string, flags: number): void {
    const number = SYSCALL_NUMBERS[process.arch]?.renameat2;
    if (number === undefined) throw new SyscallError('renameat2', constants.errno.ENOSYS, process.arch);
    const libc = this.#load();
    const result = libc.syscall(
      number,
      'int',
      AT_FDCWD,
      'str',
      from,
      'int',
      AT_FDCWD,
      'str',
      to,
      'uint',
      flags,
    );
    if (result !== 0) throw new SyscallError('renameat2', koffi.errno(), `'${from}' -> '${to}'`);
  }

  /** Loaded at the first call, so that a program which only reads needs no native code. */
  #load(): Libc {
    if (this.#libc !== undefined) return this.#libc;
    const libc = koffi.load(null);
    const pollfd = koffi.struct({ fd: 'int', events: 'short', revents: 'short' });
    this.#libc = {
      flock: libc.func('int flock(int fd, int operation)'),
      syncfs: libc.func('int syncfs(int fd)'),
      poll: libc.func('poll', 'int', [koffi.inout(koffi.pointer(pollfd)), 'ulong', 'int']),
      syscall: libc.func('long syscall(long number, ...)'),
    };
    return this.#libc;
  }
}
