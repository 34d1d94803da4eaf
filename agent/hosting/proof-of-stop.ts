import { isIP } from 'node:net';

import type { StaticPod } from '../adapters/cri.ts';
import {
  type FileIdentity,
  type FileLock,
  isWildcard,
  listensOn,
  type SocketAddress,
  type TcpSocket,
} from '../adapters/proc-tables.ts';
import { type OpenFile, sameFile } from '../adapters/process-table.ts';
import { isStopped, type UnitState } from '../adapters/systemd.ts';

/** Everything that was seen, each from another source. What could not be seen has thrown before. */
export interface StopEvidence {
  /** What could start the components again; kubelet, unless it is named otherwise. */
  readonly kubelet: { readonly held: boolean; readonly state: UnitState; readonly name?: string };
  /** From the container runtime, of the components in question. */
  readonly pods: readonly StaticPod[];
  /** Processes of their containers that were seen alive before, and still are. */
  readonly survivors: readonly number[];
  /** Where the components listen. */
  readonly addresses: readonly SocketAddress[];
  readonly sockets: readonly TcpSocket[];
  /** Of the stores, OLD's and NEW's; empty where etcd is not in question. */
  readonly storeFiles: readonly FileIdentity[];
  readonly openFiles: readonly OpenFile[];
  readonly locks: readonly FileLock[];
  /** Locks of this process are the proof's own. */
  readonly ownPid: number;
}

/** The first signal that disagrees, in words; undefined only if all agree. */
export function contradiction(evidence: StopEvidence): string | undefined {
  const { kubelet } = evidence;
  const { name = 'kubelet' } = kubelet;
  if (!kubelet.held) return `${name} is not held: the condition or its file is not in place`;
  if (!isStopped(kubelet.state)) {
    return `${name} is ${kubelet.state.activeState} with main process ${kubelet.state.mainPid}`;
  }
  for (const pod of evidence.pods) {
    const alive = pod.containers.find((container) => container.state !== 'exited');
    if (alive !== undefined) return `container ${alive.id} of ${pod.component} is ${alive.state}`;
    if (pod.sandboxReady) return `the sandbox ${pod.sandboxId} of ${pod.component} is ready`;
  }
  const [survivor] = evidence.survivors;
  if (survivor !== undefined) return `process ${survivor} of a stopped container is still there`;

  const [open] = evidence.openFiles;
  if (open !== undefined) return `process ${open.pid} (${open.command}) has '${open.path}' open`;
  const lock = evidence.locks.find(
    (one) => one.pid !== evidence.ownPid && evidence.storeFiles.some((file) => sameFile(file, one.file)),
  );
  if (lock !== undefined) {
    return `${lock.pid === undefined ? 'somebody' : `process ${lock.pid}`} holds a ${lock.kind} lock on the store (device ${lock.file.device}, inode ${lock.file.inode})`;
  }
  for (const address of evidence.addresses) {
    const listener = evidence.sockets.find(
      (socket) => socket.state === 'listen' && listensOn(socket.local, address),
    );
    if (listener !== undefined) {
      return `somebody listens on ${formatAddress(listener.local)}, where ${formatAddress(address)} is expected to be silent`;
    }
  }
  return undefined;
}

/**
 * Where a member or an API server would answer: "https://10.0.0.1:2379". A name has no address of
 * its own here, so any listener on its port counts; so does a URL that says "every address".
 */
export function addressOfUrl(url: string): SocketAddress | undefined {
  const parsed = URL.parse(url);
  if (parsed === null) return undefined;
  const host = parsed.hostname.replace(/^\[|\]$/gu, '');
  const port = Number(parsed.port || (parsed.protocol === 'https:' ? 443 : 80));
  return { address: isIP(host) === 0 ? '0.0.0.0' : host, port };
}

/**
 * An API server binds every address by default. Then its advertised one stands for all: a wildcard
 * listener matches it, another program's listener on another address does not.
 */
export function apiServerAddress(bind: string, advertised: string, port: number): SocketAddress {
  return { address: isWildcard(bind) && advertised !== '' ? advertised : bind, port };
}

function formatAddress({ address, port }: SocketAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
