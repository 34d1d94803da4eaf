import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { initPki } from '@lockstep/coordinator/pki/init.ts';
import { parse, stringify } from 'yaml';
import type { LabRole } from '../lab-description.ts';
import { AGENT_PORT, COORDINATOR_PORT } from '../network.ts';
import type { EtcdTools } from '../tools/locate.ts';
import { hostPaths } from './paths.ts';

/** Coordinator `index`, counted from 0. */
export function coordinatorName(index: number): string {
  return `coordinator-${index + 1}`;
}

/** Its configuration and state; the first one's has no number, as most labs have but one. */
export function coordinatorDirectory(directory: string, index: number): string {
  return join(directory, index === 0 ? 'coordinator' : coordinatorName(index));
}

/** The first is who runs the command line; the other is a second person. */
export const OPERATORS = ['alice', 'bob'] as const;

const IDENTITY_FILES = ['ca.crt', 'tls.crt', 'tls.key', 'signing.crt', 'signing.key'] as const;

export interface LockstepFilesInput {
  readonly cluster: string;
  /** Of the lab. */
  readonly directory: string;
  readonly nodes: readonly {
    readonly name: string;
    readonly address: string;
    readonly root: string;
    readonly role?: LabRole;
  }[];
  readonly coordinatorAddresses: readonly string[];
  readonly natsAddresses: readonly string[];
  readonly etcd: EtcdTools;
}

export interface LockstepFiles {
  readonly coordinatorConfigs: readonly string[];
  /** For LOCKSTEP_CONFIG. */
  readonly commandLineConfig: string;
  /** One configuration for each NATS server. */
  readonly natsConfigs: readonly { readonly name: string; readonly path: string }[];
}

/** Lockstep's identities and configurations, made by the product's own `init` and put where the lab runs them. */
export async function writeLockstepFiles(input: LockstepFilesInput): Promise<LockstepFiles> {
  const { cluster, directory, nodes, coordinatorAddresses, natsAddresses } = input;
  const out = join(directory, 'pki');
  await initPki({
    cluster,
    outDir: out,
    agents: nodes.map(({ name, address }) => ({ name, address: `${address}:${AGENT_PORT}` })),
    coordinators: coordinatorAddresses.map((address, index) => ({
      name: coordinatorName(index),
      address: `${address}:${COORDINATOR_PORT}`,
    })),
    operators: OPERATORS,
    nats: natsAddresses.map((address, index) => ({ name: `nats-${index + 1}`, address })),
    nowMs: Date.now(),
  });
  for (const node of nodes) await installAgent(out, node, input.etcd);
  return {
    coordinatorConfigs: await Promise.all(
      coordinatorAddresses.map((_, index) => installCoordinator(out, directory, index)),
    ),
    commandLineConfig: join(out, 'config.yaml'),
    natsConfigs: await Promise.all(
      natsAddresses.map((_, index) => installNats(out, directory, `nats-${index + 1}`)),
    ),
  };
}

async function installAgent(
  out: string,
  { name, root, role }: LockstepFilesInput['nodes'][number],
  etcd: EtcdTools,
): Promise<void> {
  const from = join(out, 'agents', name);
  await mkdir(join(root, hostPaths.lockstepTls), { recursive: true, mode: 0o700 });
  for (const file of IDENTITY_FILES)
    await copyFile(join(from, file), join(root, hostPaths.lockstepTls, file));
  const config = parse(await readFile(join(from, 'agent.yaml'), 'utf8')) as Record<string, unknown>;
  const tools = { etcdutl: etcd.etcdutl, etcdctl: etcd.etcdctl };
  await writeFile(
    join(root, hostPaths.agentConfig),
    stringify({ ...config, ...(role === 'etcd' ? { hosting: 'systemd' } : {}), hostRoot: root, tools }),
  );
}

async function installCoordinator(out: string, directory: string, index: number): Promise<string> {
  const from = join(out, 'coordinators', coordinatorName(index));
  const home = coordinatorDirectory(directory, index);
  await mkdir(home, { recursive: true });
  const config = parse(await readFile(join(from, 'coordinator.yaml'), 'utf8')) as Record<string, unknown>;
  const path = join(home, 'config.yaml');
  const tls = {
    caFile: join(from, 'ca.crt'),
    certFile: join(from, 'tls.crt'),
    keyFile: join(from, 'tls.key'),
  };
  await writeFile(path, stringify({ ...config, stateDir: join(home, 'state'), tls }));
  return path;
}

/** The product's configuration for a NATS server, with the lab's paths in place of the host's. */
async function installNats(
  out: string,
  directory: string,
  name: string,
): Promise<{ name: string; path: string }> {
  const from = join(out, 'nats', name);
  const home = join(directory, 'nats', name);
  await mkdir(home, { recursive: true });
  const text = (await readFile(join(from, 'nats.conf'), 'utf8'))
    .replaceAll('/etc/nats/tls', from)
    .replaceAll('/var/lib/nats', join(home, 'data'));
  const path = join(home, 'nats.conf');
  await writeFile(path, text);
  return { name, path };
}
