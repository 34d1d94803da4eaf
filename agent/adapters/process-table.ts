import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
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
   * container sees it elsewhere, an exchange has moved it. This process is left out. Throws where
   * a process cannot be looked into: "cannot tell" is not "nobody".
   */
  async openFiles(files: readonly FileIdentity[], signal: AbortSignal): Promise<OpenFile[]> {
    const wanted = new Set(files.map(keyOf));
    const inodes = new Set(files.map((file) => Number(file.inode)));
    const found: OpenFile[] = [];
    let looked = 0;
    for (const name of readdirSync(this.#proc)) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      for (const descriptor of this.#descriptors(pid)) {
        const path = join(this.#proc, name, 'fd', descriptor);
        const stats = statIfThere(path);
        // Numbers lose the last bits of a very large inode, so what looks alike is looked at again.
        if (stats === undefined || !inodes.has(stats.ino)) continue;
        const identity = identityIfThere(path);
        if (identity === undefined || !wanted.has(keyOf(identity))) continue;
        found.push({ pid, command: this.command(pid), path: linkOf(path) });
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

  #descriptors(pid: number): string[] {
    try {
      return readdirSync(join(this.#proc, String(pid), 'fd'));
    } catch (thrown) {
      if (isGone(thrown)) return [];
      throw cannotTell(`${pid}/fd`, thrown);
    }
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
      return readFileSync(join(this.#proc, name), 'utf8');
    } catch (thrown) {
      if (isGone(thrown)) return undefined;
      throw cannotTell(name, thrown);
    }
  }
}

/** Device and inode of what lies at a path; undefined where nothing does. */
export function identityIfThere(path: string): FileIdentity | undefined {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? undefined : { device: formatDevice(stats.dev), inode: stats.ino };
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw cannotTell(path, thrown);
  }
}

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

function keyOf(file: FileIdentity): string {
  return `${file.device}/${file.inode}`;
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw cannotTell(path, thrown);
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The process or the descriptor went while it was looked at. */
function isGone(thrown: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'ENOTDIR', 'ENXIO'].includes(errorCodeOf(thrown) ?? '');
}

function cannotTell(name: string, cause: unknown): LockstepError {
  return new LockstepError('STOP_UNPROVEN', { message: `/proc/${name} could not be read.`, cause });
}
