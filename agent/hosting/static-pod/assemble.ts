import { dirname, join } from 'node:path';

import { ContainerRuntime } from '../../adapters/cri.ts';
import { HostFiles } from '../../adapters/host-files.ts';
import { type AllowedPrefix, HostRoot } from '../../adapters/host-root.ts';
import { EtcdLocalMember } from '../../adapters/local-member.ts';
import { ProcessTable } from '../../adapters/process-table.ts';
import { ToolStoreBuilder } from '../../adapters/store-builder.ts';
import { HostStores } from '../../adapters/stores.ts';
import { Syscalls } from '../../adapters/syscalls.ts';
import { UnitHold } from '../../adapters/systemd.ts';
import { StaticPodHosting } from './hosting.ts';
import { Inspector } from './inspect.ts';
import { declaredPrefixes, ManifestDirectory } from './manifest-directory.ts';
import { ManifestEndpoint } from './member-endpoint.ts';
import { NodeSettings } from './node-settings.ts';
import { Readiness } from './readiness.ts';
import { ComponentStopper } from './stop-components.ts';
import { ToolFinder } from './tools.ts';

/** The part of the agent's configuration that is about the node. Host paths, but for `tools`. */
export interface NodeConfig {
  readonly hostRoot: string;
  readonly stateDir: string;
  readonly containerRuntime: { readonly socket: string };
  readonly serviceManager: {
    readonly systemctl: string;
    readonly unitDir: string;
    readonly kubeletUnit: string;
  };
  readonly kubelet: { readonly config: string; readonly staticPodPath: string };
  readonly tools: { readonly etcdutl?: string | undefined; readonly etcdctl?: string | undefined };
}

/** What a kubeadm node offers the executor. */
export interface StaticPodNode {
  readonly hosting: StaticPodHosting;
  readonly stores: HostStores;
  readonly storeBuilder: ToolStoreBuilder;
  readonly member: EtcdLocalMember;
  readonly syscalls: Syscalls;
  /** Ends the connections to the container runtime and to the member. */
  close(): void;
}

/**
 * Called by the agent's assembly alone: one of each, knowing each other by their constructors.
 * `searchPath` is PATH; `giveRoom` as in HostFiles.
 */
export function assembleStaticPodNode(
  config: NodeConfig,
  searchPath: string,
  giveRoom: () => boolean = () => false,
): StaticPodNode {
  const { stateDir, serviceManager, kubelet } = config;
  const holdFile = join(stateDir, 'kubelet.hold');
  const syscalls = new Syscalls();
  const root = new HostRoot(config.hostRoot, fixedPrefixes(config), () => declaredPrefixes(manifests));
  const manifests = new ManifestDirectory(root, kubelet.staticPodPath);
  const files = new HostFiles(root, syscalls, giveRoom);
  const settings = new NodeSettings(manifests);
  const processes = new ProcessTable();
  const runtime = new ContainerRuntime(root.resolve(config.containerRuntime.socket, 'read'));
  const member = new EtcdLocalMember(new ManifestEndpoint(settings, files));
  const hold = new UnitHold(
    {
      systemctl: serviceManager.systemctl,
      unitDir: serviceManager.unitDir,
      unit: serviceManager.kubeletUnit,
      holdFile,
    },
    files,
  );
  const readiness = new Readiness(settings, files);
  const inspector = new Inspector({
    files,
    manifests,
    settings,
    member,
    runtime,
    kubelet: hold,
    processes,
    readiness,
    tools: new ToolFinder(),
    configuredTools: config.tools,
    searchPath,
    stateDir,
    kubeletUnit: serviceManager.kubeletUnit,
    kubeletConfigPath: kubelet.config,
  });
  const hosting = new StaticPodHosting({
    files,
    settings,
    inspector,
    readiness,
    kubelet: hold,
    runtime,
    stopper: new ComponentStopper(runtime, syscalls),
    processes,
    runtimeSocket: config.containerRuntime.socket,
    holdFile,
  });
  return {
    hosting,
    stores: new HostStores(files, syscalls, stateDir),
    storeBuilder: new ToolStoreBuilder(files),
    member,
    syscalls,
    close: () => {
      runtime.close();
      member.close();
    },
  };
}

/** What the agent may touch before it has read a manifest. */
function fixedPrefixes({ stateDir, serviceManager, kubelet, containerRuntime }: NodeConfig): AllowedPrefix[] {
  return [
    { path: stateDir, access: 'write' },
    { path: kubelet.staticPodPath, access: 'write' },
    { path: join(dirname(kubelet.staticPodPath), 'lockstep'), access: 'write' },
    { path: `${serviceManager.unitDir}/${serviceManager.kubeletUnit}.d`, access: 'write' },
    { path: dirname(kubelet.staticPodPath), access: 'read' },
    { path: dirname(kubelet.config), access: 'read' },
    { path: serviceManager.systemctl, access: 'read' },
    { path: containerRuntime.socket, access: 'read' },
  ];
}
