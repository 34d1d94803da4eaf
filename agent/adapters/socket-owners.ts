import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { errorCodeOf } from './host-files.ts';
import { parseTcpTable } from './proc-tables.ts';

/** A socket that waits for others to come. */
export interface Listener {
  readonly protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6';
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  /** Of the socket; 0 for one that nobody holds any more. */
  readonly inode: string;
}

/** A process as it is for people: every word of it may be a lie of its own. */
export interface ProcessWords {
  readonly pid: number;
  readonly command: string;
  /** What it was started from: "/usr/bin/x (deleted)". Empty where that is not told. */
  readonly executable: string;
  readonly commandLine: readonly string[];
  /** Names the container and the pod. */
  readonly cgroup: string;
}

const PROTOCOLS = ['tcp', 'tcp6', 'udp', 'udp6'] as const;
/** Longer command lines are cut: a process may write what it likes there. */
const MAX_COMMAND_LINE_BYTES = 4096;
const BATCH_PROCESSES = 64;
/** Fields of a line of /proc/net/tcp, counted from 0. */
const FIELD = { state: 3, uid: 7, inode: 9 } as const;
const TCP_LISTEN = '0A';
/** An unconnected UDP socket takes what comes. */
const UDP_UNCONNECTED = '07';

/** Who listens on this machine, and as which processes: of the agent's own network namespace, the host's. */
export class SocketOwners {
  readonly #proc: string;

  constructor(proc = '/proc') {
    this.#proc = proc;
  }

  listeners(): Listener[] {
    return PROTOCOLS.flatMap((protocol) =>
      parseListeners(protocol, this.#textIfThere(`net/${protocol}`) ?? ''),
    );
  }

  /** Which processes hold these sockets, by the sockets' inodes. */
  async ownersOf(inodes: ReadonlySet<string>, signal: AbortSignal): Promise<Map<string, ProcessWords[]>> {
    const owners = new Map<string, ProcessWords[]>();
    let looked = 0;
    for (const name of readdirSync(this.#proc)) {
      const pid = Number(name);
      if (!Number.isInteger(pid)) continue;
      const held = new Set(this.#socketsOf(pid).filter((inode) => inodes.has(inode)));
      if (held.size > 0) {
        const words = this.#words(pid);
        for (const inode of held) owners.set(inode, [...(owners.get(inode) ?? []), words]);
      }
      looked += 1;
      if (looked % BATCH_PROCESSES === 0) {
        await setImmediate();
        signal.throwIfAborted();
      }
    }
    return owners;
  }

  #socketsOf(pid: number): string[] {
    const directory = join(this.#proc, String(pid), 'fd');
    return (ifThere(() => readdirSync(directory)) ?? []).flatMap((descriptor) => {
      const target = ifThere(() => readlinkSync(join(directory, descriptor))) ?? '';
      return /^socket:\[(?<inode>\d+)\]$/u.exec(target)?.groups?.['inode'] ?? [];
    });
  }

  #words(pid: number): ProcessWords {
    const line = (this.#textIfThere(`${pid}/cmdline`) ?? '').slice(0, MAX_COMMAND_LINE_BYTES);
    return {
      pid,
      command: (this.#textIfThere(`${pid}/comm`) ?? '').trim(),
      executable: ifThere(() => readlinkSync(join(this.#proc, String(pid), 'exe'))) ?? '',
      commandLine: line.split('\0').filter(Boolean),
      cgroup: (this.#textIfThere(`${pid}/cgroup`) ?? '').trim(),
    };
  }

  #textIfThere(name: string): string | undefined {
    return ifThere(() => readFileSync(join(this.#proc, name), 'utf8'));
  }
}

/** The lines of /proc/net/{tcp,udp}{,6} that wait for others. */
export function parseListeners(protocol: Listener['protocol'], text: string): Listener[] {
  const waiting = protocol.startsWith('tcp') ? TCP_LISTEN : UDP_UNCONNECTED;
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/u);
    const [socket] = fields[FIELD.state] === waiting ? parseTcpTable(line) : [];
    if (socket === undefined) return [];
    const { address, port } = socket.local;
    return [{ protocol, address, port, uid: Number(fields[FIELD.uid]), inode: fields[FIELD.inode] ?? '0' }];
  });
}

/** Undefined where the process went meanwhile, or even root may not look. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (['ENOENT', 'ESRCH', 'ENOTDIR', 'EACCES', 'EPERM'].includes(errorCodeOf(thrown) ?? ''))
      return undefined;
    throw thrown;
  }
}
