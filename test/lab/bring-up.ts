import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackgroundProgram } from './background-program.ts';
import { formCluster, waitServing } from './etcd-cluster.ts';
import type { Lab } from './lab.ts';
import type { LabNode } from './lab-node.ts';
import { writeLockstepFiles } from './layout/lockstep-files.ts';
import { etcdCommand } from './layout/manifests.ts';
import { layNodeOut } from './layout/node-root.ts';
import { programs } from './layout/paths.ts';
import { SERVICE_MANAGER_PORT } from './network.ts';
import { type ClusterPki, createClusterPki } from './pki/kubernetes-pki.ts';
import { createSystemObjects } from './system-objects.ts';
import { locateAllEtcd } from './tools/locate.ts';
import { until, untilListening } from './wait.ts';

export interface BringUpOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly encryptionConfig?: string;
  readonly pki?: ClusterPki;
  readonly coordinator?: boolean;
  readonly say?: (line: string) => void;
}

/** Lays everything out and starts everything, in the order in which it is quickest. */
export async function bringUp(lab: Lab, options: BringUpOptions, signal: AbortSignal): Promise<void> {
  const { lockstep, etcd } = lab.description;
  const say = options.say ?? ((): void => {});
  say(`laying out ${lab.nodes.length} nodes in ${lab.directory}, network ${lab.network.nodeAddress(0)}`);
  await layOut(lab, options);

  say(`forming a cluster of etcd ${etcd.version}`);
  const withCoordinator = lockstep && options.coordinator !== false;
  const services = startServices(lab, withCoordinator, signal);
  await formCluster(
    lab.etcdHosts,
    {
      etcd: etcd.etcd,
      logFile: join(lab.directory, 'logs/form-cluster.log'),
      environment: options.environment,
      manifestInput: ({ name }) => lab.node(name).manifestInput,
      enter: ({ name }) => lab.enter(name),
    },
    signal,
  );
  await services;

  say('starting the control plane');
  await Promise.all([startMembers(lab.etcdHosts, signal), startApi(lab.controlPlanes, signal)]);
  const [first] = lab.controlPlanes;
  if (first !== undefined) await createSystemObjects(first, signal);
  if (!lockstep) return;
  say('waiting for Lockstep');
  const agents = lab.nodes.map((node) => node.waitAgent(signal));
  await Promise.all([...agents, ...(withCoordinator ? coordinatorsServe(lab, signal) : [])]);
}

async function layOut(lab: Lab, options: BringUpOptions): Promise<void> {
  const { lockstep, failpoints } = lab.description;
  await mkdir(join(lab.directory, 'logs'), { recursive: true });
  await mkdir(join(lab.directory, 'nodes'), { recursive: true });
  await writeFile(
    join(lab.directory, 'nodes/images.json'),
    JSON.stringify({
      etcd: Object.fromEntries((await locateAllEtcd()).map(({ version, etcd }) => [version, etcd])),
      kubeApiServer: [process.execPath, programs.apiServer],
    }),
  );
  const pki = options.pki ?? (await createClusterPki());
  for (const [index, node] of lab.nodes.entries()) {
    await layNodeOut({
      pki,
      node: node.name,
      address: node.address,
      root: node.root,
      imagesFile: node.imagesFile,
      misbehaviourFile: node.misbehaviourFile,
      etcd:
        node.role === 'etcd'
          ? {
              program: lab.etcdTools.etcd,
              flags: etcdCommand(node.manifestInput).slice(1),
              // Both ways of saying it are in use in the field; every second host has the other.
              saidIn: index % 2 === 0 ? 'flags' : 'environment-file',
            }
          : undefined,
      serviceManagerPort: SERVICE_MANAGER_PORT,
      lockstep,
      failpointsDirectory: failpoints ? node.failpointsDirectory : undefined,
      ...(options.encryptionConfig === undefined ? {} : { encryptionConfig: options.encryptionConfig }),
    });
  }
  if (lockstep) {
    await writeLockstepFiles({
      cluster: lab.clusterName,
      directory: lab.directory,
      nodes: lab.nodes,
      coordinatorAddresses: lab.coordinators.map((_, index) => lab.network.coordinatorAddress(index)),
      natsAddresses: lab.natsAddresses,
      etcd: lab.etcdTools,
    });
  }
}

/** NATS first, so that nobody's first connection fails; then the nodes and the coordinator. */
async function startServices(lab: Lab, withCoordinator: boolean, signal: AbortSignal): Promise<void> {
  await Promise.all(lab.natsServers.map((server) => server.start()));
  await Promise.all(lab.natsAddresses.map((address) => untilListening('NATS', `${address}:4222`, signal)));
  await Promise.all(lab.nodes.map((node) => node.powerOn()));
  if (withCoordinator) await Promise.all(lab.coordinators.map((each) => each.start()));
  await Promise.all(
    lab.nodes.map(({ name, address }) =>
      untilListening(`service manager of ${name}`, `${address}:${SERVICE_MANAGER_PORT}`, signal),
    ),
  );
}

/** One after another, each once the one before serves its peers: together they would wait seven seconds for each other. */
async function startMembers(nodes: readonly LabNode[], signal: AbortSignal): Promise<void> {
  for (const node of nodes) {
    await node.startEtcd();
    await waitServing(node, 'peer', '/version', signal);
  }
}

async function startApi(nodes: readonly LabNode[], signal: AbortSignal): Promise<void> {
  for (const node of nodes) {
    for (const component of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const) {
      await node.addStaticPod(`${component}.yaml`, node.manifest(component));
    }
  }
  await Promise.all(nodes.map((node) => node.waitApiReady(signal)));
}

function coordinatorsServe(lab: Lab, signal: AbortSignal): Promise<void>[] {
  const addresses = lab.coordinatorAddresses;
  return lab.coordinators.map((each, index) => coordinatorServes(each, addresses[index] ?? '', signal));
}

/** Nothing restarts a coordinator: one that ends at once is not waited for. */
async function coordinatorServes(
  coordinator: BackgroundProgram,
  address: string,
  signal: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  const watching = until('the coordinator ends', () => coordinator.running === undefined, gone.signal).then(
    () => Promise.reject(new Error(`the coordinator ended; see ${coordinator.logFile}`)),
    () => {},
  );
  try {
    await Promise.race([untilListening('the coordinator', address, signal), watching]);
  } finally {
    gone.abort();
  }
}
