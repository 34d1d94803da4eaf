import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { mapArgument } from './container-runtime/path-mapping.ts';
import { etcdCommand, type ManifestInput } from './layout/manifests.ts';
import { hostPaths } from './layout/paths.ts';
import { signalProcess, startInBackground, waitGone } from './processes.ts';
import { until } from './wait.ts';

const PROBE_TIMEOUT_MS = 2_000;

export interface EtcdHost {
  readonly name: string;
  readonly address: string;
  readonly root: string;
}

/**
 * Makes the stores of a new cluster: all members together, without the corruption check that would cost
 * seven seconds for each pair, ended as soon as they have a leader. Started by their manifests
 * afterwards, they ignore what those say about the initial cluster, as etcd does over a store.
 */
export async function formCluster(
  hosts: readonly EtcdHost[],
  options: {
    readonly etcd: string;
    readonly logFile: string;
    readonly environment: NodeJS.ProcessEnv;
    readonly manifestInput: (host: EtcdHost) => ManifestInput;
    /** As in `startInBackground`. */
    readonly enter: (host: EtcdHost) => readonly string[];
  },
  signal: AbortSignal,
): Promise<void> {
  const initialCluster = hosts.map(({ name, address }) => `${name}=https://${address}:2380`).join(',');
  const started = await Promise.all(
    hosts.map((host) => {
      const args = etcdCommand(options.manifestInput(host))
        .slice(1)
        .filter((argument) => !/corrupt-?check|^--initial-cluster/i.test(argument))
        .map((argument) => mapArgument(argument, MOUNTS, host.root));
      args.push(`--initial-cluster=${initialCluster}`, '--heartbeat-interval=30', '--election-timeout=300');
      const { logFile, environment } = options;
      return startInBackground(options.etcd, args, { logFile, environment, enter: options.enter(host) });
    }),
  );
  try {
    await Promise.all(hosts.map((host) => waitServing(host, 'client', '/health', signal)));
  } finally {
    for (const process of started) signalProcess(process, 'SIGKILL');
    await Promise.all(started.map((process) => waitGone(process, signal)));
  }
}

/** Resolves once the member answers with 200 on its client or peer address. */
export async function waitServing(
  host: EtcdHost,
  side: 'client' | 'peer',
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const pki = join(host.root, hostPaths.pki, 'etcd');
  // It names no address, so peers take it from wherever this process runs.
  const tls = {
    ca: readFileSync(join(pki, 'ca.crt')),
    cert: readFileSync(join(pki, 'healthcheck-client.crt')),
    key: readFileSync(join(pki, 'healthcheck-client.key')),
  };
  const url = `https://${host.address}:${side === 'peer' ? 2380 : 2379}${path}`;
  await until(`etcd of ${host.name} answers on ${url}`, () => answersOk(url, tls), signal);
}

/** True where an HTTPS GET answers 200. */
export async function answersOk(
  url: string,
  tls: { readonly ca: Buffer; readonly cert?: Buffer; readonly key?: Buffer },
): Promise<boolean> {
  return new Promise((resolve) => {
    const outgoing = request(url, { ...tls, agent: false, timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    outgoing.once('timeout', () => outgoing.destroy());
    outgoing.once('error', () => resolve(false));
    outgoing.end();
  });
}

const MOUNTS = [hostPaths.etcd, hostPaths.pki].map((path) => ({ containerPath: path, hostPath: path }));
