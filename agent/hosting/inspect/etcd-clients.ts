import { networkInterfaces } from 'node:os';

import { isWildcard, listensOn, type SocketAddress, type TcpSocket } from '../../adapters/proc-tables.ts';

/**
 * Who is connected to the member's client listeners and is neither this node nor a known member:
 * "10.0.0.7:51234". Each is a client of etcd that a restore must have in its plan.
 */
export function foreignClients(
  sockets: readonly TcpSocket[],
  listeners: readonly SocketAddress[],
  knownAddresses: readonly string[],
): string[] {
  const own = new Set([...knownAddresses, ...listeners.map(({ address }) => address)]);
  const foreign = sockets.filter(
    ({ state, local, remote }) =>
      state === 'established' &&
      listeners.some((listener) => listensOn(listener, local)) &&
      !own.has(remote.address) &&
      remote.address !== local.address,
  );
  return [...new Set(foreign.map(({ remote }) => formatSocketAddress(remote)))].sort();
}

/** Addresses of this node's interfaces, loopback's included. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address)
    .filter((address) => !isWildcard(address));
}

/** Those by which other hosts may see this one. */
export function outsideAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address)
    .sort();
}

export function formatSocketAddress({ address, port }: SocketAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
