import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

import { errorCodeOf } from './host-files.ts';
import {
  type FileIdentity,
  type FileLock,
  formatDevice,
  type Mount,
  parseLocks,
  parseMountinfo,
  parseTcpTable,
  type TcpSocket,
} from './proc-tables.ts';

/** A process that has a file open which it should not. */
export interface OpenFile {
  readonly pid: number;
  /** "etcd", as the kernel keeps it; for people, never for decisions. */
  readonly command: string;
  /** As the descriptor's link shows it now. */
  readonly path: string;
}

/** Processes looked at before others get their turn: at most some 5 ms. */
const BATCH_PROCESSES = 64;

/**
 * The kernel's view of all processes of the machine. It is /proc of the real root, not of the host
 * root: the agent runs in the host's process namespace.
 */
export class ProcessTable {
  readonly #proc: string;

  constructor(proc = '/proc') {
    this.#proc = proc;
  }

  sockets(): TcpSocket[] {
    const tables = ['net/tcp', 'net/tcp6'].map((name) => this.#readIfThere(name) ?? '');
    if (tables[0] === '') throw cannotTell('net/tcp', undefined);
    return tables.flatMap(parseTcpTable);
  }

  locks(): FileLock[] {
    return parseLocks(this.#read('locks'));
  }

  mounts(): Mount[] {
    return parseMountinfo(this.#read('self/mountinfo'));
  }

  /**
   * Who has one of these files or directories open, by device and inode, whatever its name: a
   * container sees it elsewhere, an exchange has moved it. This process is left out.
   *
   * Even root may be kept out of a process (a security module, more capabilities than ours). One
   * that says it is etcd is then taken for the worst: "cannot tell" is not "nobody". Of any other
   * the lock table would still show that it holds the store.
   */
  async openFiles(files: readonly FileIdentity[], signal: AbortSignal): Promise<OpenFile[]> {
    const wanted = new Set(files.map(keyOf));
    const inodes = new Set(files.map((file) => Number(file.inode)));
    const found: OpenFile[] = [];
    let looked = 0;
    for (const name of readdirSync(this.#proc)) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      try {
        found.push(...this.#openFilesOf(pid, wanted, inodes));
      } catch (thrown) {
        if (!isForbidden(thrown) || this.#claimsToBeEtcd(pid)) throw cannotTell(`${name}/fd`, thrown);
      }
      looked += 1;
      if (looked % BATCH_PROCESSES === 0) {
        await setImmediate();
        signal.throwIfAborted();
      }
    }
    return found;
  }

  /** Empty where the process is gone. */
  command(pid: number): string {
    return this.#readIfThere(`${pid}/comm`)?.trim() ?? '';
  }

  /** The command line's words; none where the process is gone or is the kernel's own. */
  commandLine(pid: number): string[] {
    return (this.#readIfThere(`${pid}/cmdline`) ?? '').split('\0').filter(Boolean);
  }

  /** The process's own root directory, as a path of this process: a container's files. */
  rootOf(pid: number): string {
    return join(this.#proc, String(pid), 'root');
  }

  *#openFilesOf(pid: number, wanted: ReadonlySet<string>, inodes: ReadonlySet<number>): Generator<OpenFile> {
    const directory = join(this.#proc, String(pid), 'fd');
    for (const descriptor of unlessGone(() => readdirSync(directory)) ?? []) {
      const path = join(directory, descriptor);
      const stats = unlessGone(() => statSync(path, { throwIfNoEntry: false }));
      // Numbers lose the last bits of a very large inode, so what looks alike is looked at again.
      if (stats === undefined || !inodes.has(stats.ino)) continue;
      const identity = identityIfThere(path);
      if (identity === undefined || !wanted.has(keyOf(identity))) continue;
      yield { pid, command: this.command(pid), path: unlessGone(() => readlinkSync(path)) ?? '' };
    }
  }

  #claimsToBeEtcd(pid: number): boolean {
    return [this.command(pid), ...this.commandLine(pid)].some((word) => basename(word) === 'etcd');
  }

  #read(name: string): string {
    try {
      return readFileSync(join(this.#proc, name), 'utf8');
    } catch (thrown) {
      throw cannotTell(name, thrown);
    }
  }

  #readIfThere(name: string): string | undefined {
    try {
      return unlessGone(() => readFileSync(join(this.#proc, name), 'utf8'));
    } catch (thrown) {
      throw cannotTell(name, thrown);
    }
  }
}

/** Device and inode of what lies at a path; undefined where nothing does. */
export function identityIfThere(path: string): FileIdentity | undefined {
  const stats = unlessGone(() => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return stats === undefined ? undefined : { device: formatDevice(stats.dev), inode: stats.ino };
}

/** Of the path, or of the nearest directory above it that is there. */
export function identityOfNearest(path: string): { path: string; deviceNumber: bigint } {
  for (let at = path; ; at = dirname(at)) {
    const stats = unlessGone(() => statSync(at, { bigint: true, throwIfNoEntry: false }));
    if (stats !== undefined) return { path: at, deviceNumber: stats.dev };
    if (at === dirname(at)) throw cannotTell(path, undefined);
  }
}

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

function keyOf(file: FileIdentity): string {
  return `${file.device}/${file.inode}`;
}

/** Undefined where the process, or the descriptor, went while it was looked at. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (['ENOENT', 'ESRCH', 'ENOTDIR', 'ENXIO'].includes(errorCodeOf(thrown) ?? '')) return undefined;
    throw thrown;
  }
}

function isForbidden(thrown: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(errorCodeOf(thrown) ?? '');
}

function cannotTell(name: string, cause: unknown): LockstepError {
  return new LockstepError('STOP_UNPROVEN', { message: `/proc/${name} could not be read.`, cause });
}
