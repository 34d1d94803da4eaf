import { dirname, join } from 'node:path';

import { ContainerRuntime } from '../adapters/cri.ts';
import { HostFiles } from '../adapters/host-files.ts';
import { type AllowedPrefix, HostRoot } from '../adapters/host-root.ts';
import { EtcdLocalMember } from '../adapters/local-member.ts';
import { ProcessTable } from '../adapters/process-table.ts';
import { ToolStoreBuilder } from '../adapters/store-builder.ts';
import { HostStores } from '../adapters/stores.ts';
import { Syscalls } from '../adapters/syscalls.ts';
import { UnitHold } from '../adapters/systemd.ts';
import type { Hosting, Joining } from '../ports.ts';
import { Inspector } from './inspect/inspect.ts';
import { Readiness } from './inspect/readiness.ts';
import { ToolFinder } from './inspect/tools.ts';
import { ManifestEndpoint } from './member-endpoint.ts';
import { NodeSettings } from './node-settings.ts';
import { StaticPodHosting } from './static-pod/hosting.ts';
import { declaredPrefixes, type FoundManifest, ManifestDirectory } from './static-pod/manifest-directory.ts';
import { ComponentStopper } from './static-pod/stop-components.ts';
import { EtcdUnitFiles } from './systemd/etcd-unit-files.ts';
import { SystemdHosting } from './systemd/hosting.ts';

/** The part of the agent's configuration that is about the node. Host paths, but for `tools`. */
export interface NodeConfig {
  readonly hostRoot: string;
  readonly stateDir: string;
  readonly containerRuntime: { readonly socket: string };
  readonly serviceManager: {
    readonly systemctl: string;
    readonly unitDir: string;
    readonly kubeletUnit: string;
    readonly etcdUnit?: string;
  };
  /** How etcd is run here; `static-pod` where left out. */
  readonly hosting?: 'static-pod' | 'systemd';
  readonly kubelet: { readonly config: string; readonly staticPodPath: string };
  readonly tools: { readonly etcdutl?: string | undefined; readonly etcdctl?: string | undefined };
}

/** What a node offers the executor. */
export interface HostedNode {
  readonly hosting: Hosting & Joining;
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
export function assembleNode(
  config: NodeConfig,
  searchPath: string,
  giveRoom: () => boolean = () => false,
): HostedNode {
  const { stateDir, serviceManager, kubelet } = config;
  const holdFile = join(stateDir, 'kubelet.hold');
  const syscalls = new Syscalls();
  const unitFiles = etcdUnitFiles(config);
  const root: HostRoot = new HostRoot(config.hostRoot, fixedPrefixes(config), () => [
    ...declaredPrefixes(manifests),
    ...(unitFiles?.declaredPrefixes() ?? []),
  ]);
  const manifests = new ManifestDirectory(root, kubelet.staticPodPath);
  const files = new HostFiles(root, syscalls, giveRoom);
  const settings = new NodeSettings(manifests, unitFiles);
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
  const etcdUnit = unitFiles === undefined ? undefined : { files: unitFiles, hold: etcdHold(config, files) };
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
    etcdUnit,
    hostRoot: config.hostRoot,
  });
  const staticPods = new StaticPodHosting({
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
  const hosting =
    etcdUnit === undefined
      ? staticPods
      : new SystemdHosting({
          kubelet: staticPods,
          hasKubelet: () => [...manifests.live(), ...manifests.parked()].some(isControlPlane),
          unit: etcdUnit.hold,
          files,
          processes,
          kubeletHold: { holdFile, dropIn: hold.dropInPath },
          runtimeSocket: config.containerRuntime.socket,
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

const DEFAULT_ETCD_UNIT = 'etcd.service';

function etcdUnitFiles({ hosting, hostRoot, serviceManager }: NodeConfig): EtcdUnitFiles | undefined {
  if (hosting !== 'systemd') return undefined;
  const { unitDir, etcdUnit = DEFAULT_ETCD_UNIT } = serviceManager;
  return new EtcdUnitFiles(hostRoot, unitDir, etcdUnit);
}

function etcdHold({ stateDir, serviceManager }: NodeConfig, files: HostFiles): UnitHold {
  const { systemctl, unitDir, etcdUnit: unit = DEFAULT_ETCD_UNIT } = serviceManager;
  const holdFile = join(stateDir, 'etcd.hold');
  return new UnitHold({ systemctl, unitDir, unit, holdFile, failureCode: 'UNIT_HOLD_FAILED' }, files);
}

function isControlPlane({ manifest }: FoundManifest): boolean {
  return manifest?.component !== undefined && manifest.component !== 'etcd';
}

/** What the agent may touch before it has read a manifest. */
function fixedPrefixes(config: NodeConfig): AllowedPrefix[] {
  const { stateDir, serviceManager, kubelet, containerRuntime, hosting } = config;
  const { unitDir, etcdUnit = DEFAULT_ETCD_UNIT } = serviceManager;
  return [
    ...(hosting === 'systemd' ? [{ path: `${unitDir}/${etcdUnit}.d`, access: 'write' as const }] : []),
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
