import { FAILPOINTS_VARIABLE } from '../../faults/failpoints/board.ts';
import { timings } from '../timings.ts';
import { hostPaths, programs } from './paths.ts';

export interface UnitInput {
  readonly node: string;
  readonly address: string;
  /** The node's root, a real path. */
  readonly root: string;
  /** Files of the lab about the node, outside its root. */
  readonly imagesFile: string;
  readonly misbehaviourFile: string;
  /** On an etcd host: there is no kubelet then. */
  readonly etcd: EtcdUnitInput | undefined;
  /** False: a node without Lockstep. */
  readonly lockstep: boolean;
  /** Where the agent's failpoints are told; undefined: an agent without. */
  readonly failpointsDirectory: string | undefined;
}

/** etcd as a unit: how it is run on a host of its own. */
export interface EtcdUnitInput {
  /** The real path of etcd's program. */
  readonly program: string;
  /** With their dashes, as a manifest has them. */
  readonly flags: readonly string[];
  /** Where they are said: in ExecStart, or as ETCD_ variables in an environment file. */
  readonly saidIn: 'flags' | 'environment-file';
}

export const ETCD_ENVIRONMENT = '/etc/default/etcd';

export interface UnitFile {
  readonly name: string;
  /** On the node. */
  readonly path: string;
  readonly text: string;
}

const SYSTEM = '/usr/lib/systemd/system';
export const ETCD_UNIT = { name: 'etcd.service', path: `${SYSTEM}/etcd.service` } as const;
const seconds = (ms: number): string => `${ms / 1000}`;

/** The units of a node where their packages put them: kubelet's and containerd's below /usr, the agent's below /etc. */
export function unitFiles(input: UnitInput): UnitFile[] {
  const { root } = input;
  const node = process.execPath;
  const containerd = `[Unit]
Description=containerd container runtime (stand-in)

[Service]
ExecStart=${node} ${programs.containerRuntime} --root ${root} --images ${input.imagesFile}
KillMode=process
Restart=always
RestartSec=${seconds(timings.containerdRestartMs)}

[Install]
WantedBy=multi-user.target
`;
  const kubelet = `[Unit]
Description=kubelet: The Kubernetes Node Agent (stand-in)

[Service]
ExecStart=${node} ${programs.kubelet}
Restart=always
StartLimitInterval=0
RestartSec=${seconds(timings.kubeletRestartMs)}

[Install]
WantedBy=multi-user.target
`;
  const kubeadmDropIn = `[Service]
ExecStart=
ExecStart=${node} ${programs.kubelet} --root=${root} --config=${hostPaths.kubelet}/config.yaml \\
  --kubeconfig=/etc/kubernetes/kubelet.conf --hostname-override=${input.node} --node-ip=${input.address} \\
  --container-runtime-endpoint=unix:///run/containerd/containerd.sock --misbehaviour=${input.misbehaviourFile}
`;
  const { failpointsDirectory } = input;
  const agentProgram =
    failpointsDirectory === undefined
      ? `Environment=MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072\nExecStart=${node} --max-semi-space-size=2 --heap-growing-percent=20 ${programs.agent}`
      : `Environment=${FAILPOINTS_VARIABLE}=${failpointsDirectory}\nExecStart=${node} ${programs.agentWithFailpoints}`;
  const agent = `[Unit]
Description=Lockstep agent

[Service]
${agentProgram} --config ${root}${hostPaths.agentConfig}
KillMode=process
Restart=always
StartLimitIntervalSec=0
RestartSec=${seconds(timings.agentRestartMs)}

[Install]
WantedBy=multi-user.target
`;
  const unit = (directory: string, name: string, text: string): UnitFile => ({
    name,
    path: `${directory}/${name}`,
    text,
  });
  const { etcd } = input;
  const kubernetes = [
    unit(SYSTEM, 'containerd.service', containerd),
    unit(SYSTEM, 'kubelet.service', kubelet),
    { name: '', path: `${SYSTEM}/kubelet.service.d/10-kubeadm.conf`, text: kubeadmDropIn },
  ];
  return [
    ...(etcd === undefined ? kubernetes : [{ ...ETCD_UNIT, text: etcdUnit(etcd) }]),
    ...(input.lockstep ? [unit('/etc/systemd/system', 'lockstep-agent.service', agent)] : []),
  ];
}

/** As Debian's package has it, but for the section that tells the stand-in where the node's paths are. */
function etcdUnit({ flags, saidIn }: EtcdUnitInput): string {
  const words = saidIn === 'flags' ? ['/usr/bin/etcd', ...flags].join(' \\\n  ') : '/usr/bin/etcd';
  return `[Unit]
Description=etcd - highly-available key value store

[Service]
Type=notify
User=root
EnvironmentFile=-${ETCD_ENVIRONMENT}
ExecStart=${words}
Restart=on-failure
RestartSec=${seconds(timings.kubeletRestartMs)}

[Install]
WantedBy=multi-user.target

[X-Lab]
MapPaths=yes
`;
}

/** ETCD_DATA_DIR for --data-dir; nothing but a comment where the flags are in ExecStart. */
export function environmentFile({ flags, saidIn }: EtcdUnitInput): string {
  if (saidIn === 'flags') return '# See etcd.service.\n';
  const lines = flags.map((flag) => {
    const [, name = '', value = ''] = /^--([^=]+)=(.*)$/s.exec(flag) ?? [];
    return `ETCD_${name.toUpperCase().replaceAll('-', '_')}="${value}"\n`;
  });
  return lines.join('');
}
