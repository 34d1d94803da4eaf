import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import type { EtcdEndpoint } from '@lockstep/shared/etcd/channel.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { freePort } from '@lockstep/shared/free-port.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { type EtcdTools, locateTools } from '../../../lab/tools/locate.ts';
import type { PemFiles } from './certificates.ts';

export interface RunningEtcd {
  readonly endpoint: EtcdEndpoint;
  readonly peerUrl: string;
  readonly dataDir: string;
  readonly pid: number;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
}

export interface EtcdSettings {
  readonly directory: string;
  readonly address?: string;
  readonly tls?: PemFiles;
  readonly dataDir?: string;
  readonly ports?: { readonly client: number; readonly peer: number };
  /** The newest found where left out. */
  readonly tools?: EtcdTools;
  readonly extraFlags?: readonly string[];
  /** How long it may take until it serves; 20 s where left out. */
  readonly readyMs?: number;
}

/** A single real member, serving before this resolves. */
export async function startEtcd(settings: EtcdSettings): Promise<RunningEtcd> {
  const etcd = settings.tools ?? (await locateTools()).etcd;
  const address = settings.address ?? '127.0.0.1';
  const ports = settings.ports ?? { client: await freePort(address), peer: await freePort(address) };
  const dataDir = settings.dataDir ?? join(settings.directory, 'etcd');
  const scheme = settings.tls === undefined ? 'http' : 'https';
  const url = `${scheme}://${address}:${ports.client}`;
  const peerUrl = `${scheme}://${address}:${ports.peer}`;
  const process = spawn(
    etcd.etcd,
    [
      '--name=m1',
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=m1=${peerUrl}`,
      '--log-level=error',
      ...tlsFlags(settings.tls),
      ...(settings.extraFlags ?? []),
    ],
    { stdio: 'ignore' },
  );
  const kill = (): Promise<void> => killProcess(process);
  const endpoint = await endpointOf(url, settings.tls);
  try {
    using client = new EtcdClient(endpoint);
    await waitFor(
      {
        describe: () => `etcd serves ${url}`,
        check: (signal) =>
          client.status(signal).then(
            (status) => status.leader !== 0n,
            () => false,
          ),
      },
      50,
      deadline(settings.readyMs ?? 20_000),
    );
  } catch (thrown) {
    await kill();
    throw thrown;
  }
  return { endpoint, peerUrl, dataDir, pid: process.pid ?? 0, kill };
}

async function endpointOf(url: string, tls: PemFiles | undefined): Promise<EtcdEndpoint> {
  if (tls === undefined) return { url };
  const [ca, cert, key] = await Promise.all([readFile(tls.ca), readFile(tls.cert), readFile(tls.key)]);
  return { url, tls: { ca, cert, key } };
}

function tlsFlags(tls: PemFiles | undefined): string[] {
  if (tls === undefined) return [];
  return ['', 'peer-'].flatMap((side) => [
    `--${side}cert-file=${tls.cert}`,
    `--${side}key-file=${tls.key}`,
    `--${side}trusted-ca-file=${tls.ca}`,
    `--${side}client-cert-auth=true`,
  ]);
}

export async function killProcess(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill('SIGKILL');
  await once(process, 'exit');
}
