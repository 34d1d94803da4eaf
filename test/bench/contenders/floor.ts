import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { waitServing } from '../../lab/etcd-cluster.ts';
import type { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import { type ProcessId, signalProcess, startInBackground, waitGone } from '../../lab/processes.ts';
import { allReady, type Contender } from '../contender.ts';

const COMPONENTS = ['kube-apiserver', 'etcd'] as const;

/**
 * What no restore can be quicker than on this lab: the same processes killed, and kubelet started again
 * over manifests and directories that are ready, with nothing in between. kubeadm's corruption check at
 * start makes members that start side by side wait seven seconds for each other, so the best order is
 * one node after another, each once the member before serves its peers.
 */
export const floor: Contender = {
  name: 'floor',
  describe: 'kubelet stopped, API servers and members killed, kubelet started again; nothing restored',
  async prepare() {},
  async run(lab, signal) {
    await Promise.all(lab.controlPlanes.map((node) => node.stop('kubelet')));
    await killAll(lab, signal);
    const units = lab.etcdHosts.filter(({ role }) => role === 'etcd');
    await Promise.all([startUnits(units, signal), startKubelets(lab.controlPlanes, signal)]);
    await allReady(lab, signal);
  },
  async tidy() {},
};

/** The same without kubelet: the processes alone, each started again with its own command line. */
export function bareFloor(): Contender {
  const startedByHand: ProcessId[] = [];
  return {
    name: 'bare-floor',
    describe: 'the same processes killed and started again by hand, without kubelet',
    async prepare() {},
    async run(lab, signal) {
      await Promise.all(lab.nodes.map((node) => node.stop('kubelet')));
      const commands = lab.nodes.map((node) => ({
        node,
        etcd: commandOf(node, 'etcd'),
        apiServer: commandOf(node, 'kube-apiserver'),
      }));
      await killAll(lab, signal);
      startedByHand.push(
        ...(await Promise.all(commands.map(({ node, apiServer }) => startByHand(node, apiServer)))),
      );
      for (const { node, etcd } of commands) {
        startedByHand.push(await startByHand(node, etcd));
        await waitServing(node, 'peer', '/version', signal);
      }
      await allReady(lab, signal);
    },
    async tidy(lab, signal) {
      for (const process of startedByHand.splice(0)) {
        signalProcess(process, 'SIGKILL');
        await waitGone(process, signal);
      }
      await startKubelets(lab.nodes, signal);
    },
  };
}

interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

async function killAll(lab: Lab, signal: AbortSignal): Promise<void> {
  const units = lab.etcdHosts.filter(({ role }) => role === 'etcd');
  // Killed, and stopped so that no restart policy comes in between.
  await Promise.all(units.map((node) => node.kill('etcd').then(() => node.stop('etcd'))));
  const victims = lab.nodes.flatMap((node) => COMPONENTS.flatMap((component) => node.containers(component)));
  for (const { process } of victims) signalProcess(process, 'SIGKILL');
  await Promise.all(victims.map(({ process }) => waitGone(process, signal)));
}

async function startKubelets(nodes: readonly LabNode[], signal: AbortSignal): Promise<void> {
  for (const node of nodes) {
    await node.start('kubelet');
    if (node.role === 'all') await waitServing(node, 'peer', '/version', signal);
  }
}

async function startUnits(nodes: readonly LabNode[], signal: AbortSignal): Promise<void> {
  for (const node of nodes) {
    await node.start('etcd');
    await waitServing(node, 'peer', '/version', signal);
  }
}

/** As it runs now. Throws where it does not. */
function commandOf(node: LabNode, component: (typeof COMPONENTS)[number]): Command {
  const [container] = node.containers(component);
  if (container === undefined) throw new Error(`${node.name} runs no ${component}`);
  const { pid } = container.process;
  const [, ...args] = words(`/proc/${pid}/cmdline`);
  const environment = Object.fromEntries(
    words(`/proc/${pid}/environ`).map((word) => {
      const at = word.indexOf('=');
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
  return { program: readlinkSync(`/proc/${pid}/exe`), args, environment };
}

function words(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\0')
    .filter((word) => word !== '');
}

async function startByHand(node: LabNode, { program, args, environment }: Command): Promise<ProcessId> {
  const logFile = join(node.logDirectory, 'by-hand.log');
  return startInBackground(program, args, { logFile, environment });
}
