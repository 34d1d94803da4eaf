import { connect, createServer, type Server } from 'node:net';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { namespacedNetworks } from './network-namespaces.ts';

/** `loopback`: 127.L.0.0/24, one network stack for all. `namespaces`: 10.213.L.0/24, each host its own. */
export type NetworkKind = 'loopback' | 'namespaces';

/** A lab's own network: production ports on addresses that no other lab has. */
export interface LabNetwork {
  /** L. */
  readonly number: number;
  /** Node `index`, counted from 1. */
  nodeAddress(index: number): string;
  /** Coordinator `index`, counted from 0. */
  coordinatorAddress(index: number): string;
  /** NATS server `index`, counted from 0. */
  natsAddress(index: number): string;
}

export const SERVICE_MANAGER_PORT = 7440;
export const AGENT_PORT = 7443;
export const COORDINATOR_PORT = 7444;
const LOCK_PORT = 7439;

const FIRST = 1;
const LAST = 250;
const PROBE_TIMEOUT_MS = 1_000;

export function labNetwork(number: number, kind: NetworkKind): LabNetwork {
  const prefix = kind === 'loopback' ? `127.${number}.0` : `10.213.${number}`;
  return {
    number,
    nodeAddress: (index) => `${prefix}.${index}`,
    coordinatorAddress: (index) => `${prefix}.${100 + index}`,
    natsAddress: (index) => `${prefix}.${200 + index}`,
  };
}

/**
 * Takes a network that no other lab has. The lock holds against labs that start at the same time and
 * lasts as long as this process; a lab left running by another process is known by its first node's
 * service manager.
 */
export async function claimNetwork(kind: NetworkKind): Promise<{ network: LabNetwork; release: () => void }> {
  const offset = Math.floor(Math.random() * (LAST - FIRST + 1));
  for (let step = 0; step <= LAST - FIRST; step++) {
    const number = FIRST + ((offset + step) % (LAST - FIRST + 1));
    const lock = await bind(`127.${number}.0.254`, LOCK_PORT);
    if (lock === undefined) continue;
    const network = labNetwork(number, kind);
    const isTaken =
      kind === 'namespaces'
        ? namespacedNetworks().has(number)
        : await answers(network.nodeAddress(1), SERVICE_MANAGER_PORT);
    if (isTaken) {
      lock.close();
      continue;
    }
    return { network, release: () => lock.close() };
  }
  throw new LockstepError('INTERNAL', { message: `every ${kind} network has a lab` });
}

async function bind(host: string, port: number): Promise<Server | undefined> {
  const server = createServer();
  server.unref();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ host, port }, () => resolve(server));
  });
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: PROBE_TIMEOUT_MS });
  return new Promise((resolve) => {
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(true));
  });
}
