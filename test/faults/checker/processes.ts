import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

const WRITE_MODES = 0o3;

export interface StoreUser {
  readonly pid: number;
  /** `device:inode` of the database that it has open to write. */
  readonly database: string;
}

/**
 * Every process with a database of etcd below `root` open for writing, by what the kernel says of its
 * descriptors. Names do not count: a store may bear another one since it was opened.
 */
export function storeUsers(root: string, pids: readonly number[] = allPids()): StoreUser[] {
  return pids.flatMap((pid) => {
    const found = new Set<string>();
    for (const fd of descriptorsOf(pid)) {
      const link = read(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
      if (link === undefined || !link.startsWith(`${root}/`) || !/\/snap\/db( \(deleted\))?$/.test(link))
        continue;
      if (!isWritable(pid, fd)) continue;
      const stat = read(() => statSync(`/proc/${pid}/fd/${fd}`, { bigint: true }));
      if (stat !== undefined) found.add(`${stat.dev}:${stat.ino}`);
    }
    return [...found].map((database) => ({ pid, database }));
  });
}

/** A member runs under this name, whoever started it; asking few processes makes looking often cheap. */
export function etcdPids(): number[] {
  return allPids().filter((pid) => read(() => readFileSync(`/proc/${pid}/comm`, 'utf8'))?.trim() === 'etcd');
}

/** Processes with this word on their command line. */
export function pidsWithArgument(argument: string): number[] {
  return allPids().filter(
    (pid) =>
      read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
        ?.split('\0')
        .includes(argument) === true,
  );
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function descriptorsOf(pid: number): string[] {
  return read(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
}

function isWritable(pid: number, fd: string): boolean {
  const info = read(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) ?? '';
  const flags = /^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & WRITE_MODES) !== 0;
}

/** Undefined where the process went meanwhile. */
function read<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch {
    return undefined;
  }
}
