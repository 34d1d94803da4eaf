/** The kernel's own tables, as text: parsed here, read in process-table.ts. */

export interface SocketAddress {
  /** "10.0.0.1", "2001:db8::1"; an IPv4 address in an IPv6 socket is written as IPv4. */
  readonly address: string;
  readonly port: number;
}

export interface TcpSocket {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly state: 'listen' | 'established' | 'other';
}

const TCP_ESTABLISHED = 0x01;
const TCP_LISTEN = 0x0a;

/** /proc/net/tcp and /proc/net/tcp6. Lines that are no socket's are left out. */
export function parseTcpTable(text: string): TcpSocket[] {
  const sockets: TcpSocket[] = [];
  for (const line of text.split('\n')) {
    const [, local, remote, state] = line.trim().split(/\s+/u);
    if (local === undefined || remote === undefined || state === undefined) continue;
    const [localAddress, remoteAddress] = [parseSocketAddress(local), parseSocketAddress(remote)];
    if (localAddress === undefined || remoteAddress === undefined) continue;
    const number = Number.parseInt(state, 16);
    sockets.push({
      local: localAddress,
      remote: remoteAddress,
      state: number === TCP_LISTEN ? 'listen' : number === TCP_ESTABLISHED ? 'established' : 'other',
    });
  }
  return sockets;
}

/** "0100007F:094B" -> 127.0.0.1:2379. Each 32-bit word is in the byte order of the machine: little-endian. */
function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?<words>(?:[0-9A-Fa-f]{8}){1,4}):(?<port>[0-9A-Fa-f]{4})$/u.exec(text);
  const words = match?.groups?.['words'];
  if (words === undefined) return undefined;
  const bytes = Buffer.from(words, 'hex');
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  bytes.swap32();
  const port = Number.parseInt(match?.groups?.['port'] ?? '', 16);
  return { address: bytes.length === 4 ? [...bytes].join('.') : formatIpv6(bytes), port };
}

function formatIpv6(bytes: Buffer): string {
  const mapped = bytes.readBigUInt64BE(0) === 0n && bytes.readUInt32BE(8) === 0xffff;
  if (mapped) return [...bytes.subarray(12)].join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  // The URL parser knows the canonical form (RFC 5952).
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** True where somebody who dials `target` would reach `listener`; a wildcard on either side reaches all. */
export function listensOn(listener: SocketAddress, target: SocketAddress): boolean {
  return (
    listener.port === target.port &&
    (isWildcard(listener.address) || isWildcard(target.address) || listener.address === target.address)
  );
}

export interface FileLock {
  readonly kind: 'FLOCK' | 'POSIX' | 'OFDLCK' | 'LEASE' | 'OTHER';
  readonly access: 'READ' | 'WRITE' | 'OTHER';
  /** Undefined for a lock that belongs to an open file, not to a process. */
  readonly pid: number | undefined;
  readonly file: FileIdentity;
}

/** Which file it is, whatever its name: the device as "MAJOR:MINOR" in decimal. */
export interface FileIdentity {
  readonly device: string;
  readonly inode: bigint;
}

const LOCK_LINE =
  /^\d+:\s+(?<waiting>->\s+)?(?<kind>\S+)\s+\S+\s+(?<access>\S+)\s+(?<pid>-?\d+)\s+(?<major>[0-9a-f]+):(?<minor>[0-9a-f]+):(?<inode>\d+)\s/u;

/** /proc/locks: who holds what. Those who wait for a lock do not hold it, and are left out. */
export function parseLocks(text: string): FileLock[] {
  const locks: FileLock[] = [];
  for (const line of text.split('\n')) {
    const groups = LOCK_LINE.exec(line)?.groups;
    if (groups === undefined || groups['waiting'] !== undefined) continue;
    const pid = Number(groups['pid']);
    locks.push({
      kind: oneOf(['FLOCK', 'POSIX', 'OFDLCK', 'LEASE'] as const, groups['kind']),
      access: oneOf(['READ', 'WRITE'] as const, groups['access']),
      pid: pid > 0 ? pid : undefined,
      file: {
        device: `${Number.parseInt(groups['major'] ?? '', 16)}:${Number.parseInt(groups['minor'] ?? '', 16)}`,
        inode: BigInt(groups['inode'] ?? '0'),
      },
    });
  }
  return locks;
}

function oneOf<T extends string>(known: readonly T[], text: string | undefined): T | 'OTHER' {
  return known.find((one) => one === text) ?? 'OTHER';
}

/** A device number as stat(2) has it, in the form of {@link FileIdentity}. */
export function formatDevice(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

/** The file system and the mount points, of /proc/self/mountinfo. */
export interface Mount {
  readonly mountPoint: string;
  readonly device: string;
  readonly filesystem: string;
}

export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const [before, after] = line.split(' - ');
    const fields = before?.split(' ') ?? [];
    const [, , device, , mountPoint] = fields;
    const filesystem = after?.split(' ')[0];
    if (device === undefined || mountPoint === undefined || filesystem === undefined) continue;
    mounts.push({ mountPoint: unescapeOctal(mountPoint), device, filesystem });
  }
  return mounts;
}

/** The kernel writes a space in a path as "\040". */
function unescapeOctal(text: string): string {
  return text.replace(/\\(?<code>[0-7]{3})/gu, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  );
}
