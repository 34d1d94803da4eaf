import { dirname, posix } from 'node:path';
import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { ContainerRuntime } from '../adapters/cri.ts';
import { HostRoot } from '../adapters/host-root.ts';
import { ProcessTable } from '../adapters/process-table.ts';
import { SocketOwners } from '../adapters/socket-owners.ts';
import type { AgentConfig } from '../config.ts';
import type { Hosting } from '../ports.ts';
import type { AgentSealing } from '../snapshots/sealing.ts';
import type { SnapshotStore } from '../snapshots/store.ts';
import type { EvidenceSources } from './collector.ts';
import { EvidenceGatherer } from './gatherer.ts';
import { HostTree } from './host-tree.ts';

/** Beside what the configuration names: nothing else of the host is ever looked at for evidence. */
const PLACES = [
  '/etc/anacrontab',
  '/etc/cron.d',
  '/etc/cron.daily',
  '/etc/cron.hourly',
  '/etc/cron.monthly',
  '/etc/cron.weekly',
  '/etc/crontab',
  '/etc/default/kubelet',
  '/etc/kubernetes',
  '/etc/passwd',
  '/etc/ssh/authorized_keys',
  '/etc/ssh/sshd_config',
  '/etc/ssh/sshd_config.d',
  '/etc/systemd',
  '/home',
  '/lib/systemd',
  '/root/.config/systemd',
  '/root/.ssh',
  '/run/systemd/system',
  '/usr/lib/systemd',
  '/usr/local/lib/systemd',
  '/var/lib/kubelet/pki',
  '/var/log',
  '/var/spool/cron',
];

/** Of the configuration, with a member's two directories beside it. */
export function evidencePlaces({ kubelet, serviceManager }: AgentConfig): string[] {
  const kubeletDir = dirname(kubelet.config);
  return [
    ...PLACES,
    kubelet.config,
    posix.join(kubeletDir, 'kubeadm-flags.env'),
    posix.join(kubeletDir, 'pki'),
    kubelet.staticPodPath,
    posix.join(dirname(kubelet.staticPodPath), 'lockstep'),
    serviceManager.unitDir,
  ];
}

export interface GathererParts {
  readonly config: AgentConfig;
  readonly hosting: Pick<Hosting, 'inspect'>;
  readonly snapshots: Pick<SnapshotStore, 'list'>;
  readonly sealing: Pick<AgentSealing, 'sealContent'>;
  readonly clock: Clock;
}

/** Whoever looks into one of these waits for another machine. */
const NETWORK_FILESYSTEMS =
  /^(?:nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|lustre|ncpfs|autofs|fuse(?:\..*)?)$/u;

/** Their host paths. */
function networkMounts(processes: Pick<ProcessTable, 'mounts'>, hostRoot: string): string[] {
  const root = hostRoot.replace(/\/+$/u, '');
  return processes
    .mounts()
    .filter(
      ({ filesystem, mountPoint }) =>
        NETWORK_FILESYSTEMS.test(filesystem) && mountPoint.startsWith(`${root}/`),
    )
    .map(({ mountPoint }) => mountPoint.slice(root.length));
}

/** Called by the agent's assembly. Disposing ends the connection to the container runtime. */
export function assembleGatherer({ config, hosting, snapshots, sealing, clock }: GathererParts): {
  readonly gatherer: EvidenceGatherer;
  close(): void;
} {
  const { cluster, node, hostRoot, kubelet, evidence } = config;
  const socket = config.containerRuntime.socket;
  const runtime = new ContainerRuntime(
    new HostRoot(hostRoot, [{ path: socket, access: 'read' }]).resolve(socket, 'read'),
  );
  // The store is where the node's own manifest says, so it is allowed once that has been read.
  const allowed = evidencePlaces(config);
  const processes = new ProcessTable();
  const tree = new HostTree(hostRoot, allowed, () => networkMounts(processes, hostRoot));
  const sources: EvidenceSources = {
    node,
    tree,
    runtime,
    sockets: new SocketOwners(),
    staticPodPath: kubelet.staticPodPath,
    kubeletConfigPath: kubelet.config,
    member: async (signal) => {
      const { etcd } = await hosting.inspect(signal);
      if (etcd === undefined) return { directories: [], running: false };
      const snap = posix.join(etcd.dataDir, 'member/snap');
      const wal = etcd.walDir || posix.join(etcd.dataDir, 'member/wal');
      for (const directory of [snap, wal]) {
        if (!allowed.includes(directory)) allowed.push(directory);
      }
      return { directories: [snap, wal], running: etcd.serving };
    },
    snapshots: async () =>
      (await snapshots.list()).map(({ card, path, file }) => ({
        id: card?.id ?? '',
        takenAt: card?.takenAt ?? '',
        revision: card?.facts?.status?.revision ?? 0n,
        path,
        sha256: file?.sha256 ?? '',
      })),
    contents: new Set(evidence.contents),
  };
  const { maxMs, contents: _contents, ...limits } = evidence;
  const gatherer = new EvidenceGatherer({
    cluster,
    node,
    sources,
    seal: async (manifest) => {
      try {
        return await sealing.sealContent('evidence', manifest);
      } catch (thrown) {
        // Evidence without a seal is worth more than none.
        if (thrown instanceof LockstepError && thrown.code === 'SIGNING_IDENTITY_MISSING') return undefined;
        throw thrown;
      }
    },
    clock,
    limits,
    maxMs,
  });
  return { gatherer, close: () => runtime.close() };
}
