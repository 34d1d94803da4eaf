import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { FAILPOINTS_VARIABLE } from '../faults/failpoints/board.ts';
import { BackgroundProgram } from './background-program.ts';
import { bringUp } from './bring-up.ts';
import { type LabDescription, type LabRole, readDescription, writeDescription } from './lab-description.ts';
import { LabNode } from './lab-node.ts';
import { coordinatorDirectory, coordinatorName } from './layout/lockstep-files.ts';
import { hostPaths, programs } from './layout/paths.ts';
import { COORDINATOR_PORT, claimNetwork, type LabNetwork, labNetwork, type NetworkKind } from './network.ts';
import { type NamespaceHost, NetworkNamespaces } from './network-namespaces.ts';
import type { ClusterPki } from './pki/kubernetes-pki.ts';
import { endLabProcesses, identify, LAB_VARIABLE } from './processes.ts';
import { type Ended, type RunOptions, runProgram } from './programs.ts';
import { type EtcdTools, locateTools } from './tools/locate.ts';

export interface LabOptions {
  /** Control-plane nodes: cp1, cp2, … */
  readonly nodes?: number;
  /** etcd on hosts of its own, as a unit: etcd1, etcd2, …; beside the API servers where left out. */
  readonly etcdHosts?: number;
  /** What the names of nodes begin with; `cp` where left out. */
  readonly nodePrefix?: string;
  /** Certificates and keys that the nodes share; new ones where left out. */
  readonly pki?: ClusterPki;
  /** `3.5` or `3.5.16`; the newest found where left out. */
  readonly etcdVersion?: string;
  /** How many NATS servers: true is one, false none. */
  readonly nats?: boolean | 1 | 3;
  /** Short, because sockets lie in it. A new one below the system's temporary directory where left out. */
  readonly directory?: string;
  readonly clusterName?: string;
  readonly kubernetesVersion?: string;
  /** EncryptionConfiguration (YAML) for the API servers. */
  readonly encryptionConfig?: string;
  /** False: Kubernetes alone, no agents and no coordinator. */
  readonly lockstep?: boolean;
  /** `namespaces`: each host in a network namespace of its own, to be cut off. Needs root. */
  readonly network?: NetworkKind;
  /** How many coordinators, one of which leads where there is NATS. */
  readonly coordinators?: number;
  /** False: agents alone; the coordinators are there to be started. */
  readonly coordinator?: boolean;
  /** True: agents and coordinator run with failpoints around their ports (test/faults/failpoints). */
  readonly failpoints?: boolean;
  /** True: the lab outlives this process. */
  readonly detached?: boolean;
  readonly timeoutMs?: number;
  /** A line for each step. */
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
}

const DEFAULT_NODES = 3;
const DEFAULT_TIMEOUT_MS = 120_000;
const KUBERNETES_VERSION = 'v1.34.1';
/** Unix sockets hold 108 bytes: this leaves room for the longest path below a node's root. */
const MAX_DIRECTORY_LENGTH = 60;

/**
 * A whole highly available control plane on one machine: real etcd, agent, coordinator and NATS,
 * stand-ins for what is around them, each a process of its own. `await using lab = await Lab.up()`.
 */
export class Lab implements AsyncDisposable {
  readonly directory: string;
  readonly clusterName: string;
  readonly network: LabNetwork;
  readonly nodes: readonly LabNode[];
  readonly etcdTools: EtcdTools;
  readonly coordinators: readonly BackgroundProgram[];
  readonly natsServers: readonly BackgroundProgram[];
  readonly description: LabDescription;
  private networkNamespaces: NetworkNamespaces | undefined;
  private readonly environment: NodeJS.ProcessEnv;

  private constructor(directory: string, description: LabDescription, owner: string | undefined) {
    this.directory = directory;
    this.description = description;
    this.clusterName = description.clusterName;
    this.network = labNetwork(description.networkNumber, description.network);
    this.etcdTools = description.etcd;
    this.environment = labEnvironment(description.id);
    const members = description.nodes.filter(({ role }) => role !== 'control-plane');
    const external = description.nodes.some(({ role }) => role === 'etcd');
    this.nodes = description.nodes.map(
      ({ name, address, role }, index) =>
        new LabNode({
          role,
          labId: description.id,
          name,
          address,
          directory: join(directory, 'nodes', name),
          environment: this.environment,
          owner,
          enter: () => this.enter(name),
          manifestInput: {
            node: name,
            address,
            etcdVersion: description.etcd.version,
            kubernetesVersion: description.kubernetesVersion,
            initialCluster: members.slice(0, index + 1),
            ...(external ? { etcdServers: members.map((member) => `https://${member.address}:2379`) } : {}),
            encryption: description.encrypted,
          },
        }),
    );
    this.coordinators = Array.from({ length: description.coordinators }, (_, index) =>
      this.program(
        coordinatorName(index),
        [
          process.execPath,
          description.failpoints ? programs.coordinatorWithFailpoints : programs.coordinator,
          '--config',
          join(coordinatorDirectory(directory, index), 'config.yaml'),
        ],
        description.failpoints ? { [FAILPOINTS_VARIABLE]: this.coordinatorFailpointsDirectory } : {},
      ),
    );
    this.natsServers = Array.from({ length: description.natsServers }, (_, index) => {
      const name = `nats-${index + 1}`;
      return this.program(name, [
        description.natsServer,
        '--config',
        join(directory, 'nats', name, 'nats.conf'),
      ]);
    });
  }

  /** Resolves when every API server is ready and every program of Lockstep listens. On failure nothing is left running; the logs stay. */
  static async up(options: LabOptions = {}): Promise<Lab> {
    const signal = deadline(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, options.signal);
    const { etcd, natsServer } = await locateTools(
      options.etcdVersion === undefined ? {} : { etcdVersion: options.etcdVersion },
    );
    const directory = await labDirectory(options.directory);
    const { network = 'loopback' } = options;
    const claim = await claimNetwork(network);
    const { nats = false } = options;
    const lab = new Lab(
      directory,
      {
        id: randomBytes(8).toString('hex'),
        clusterName: options.clusterName ?? 'lab',
        networkNumber: claim.network.number,
        network,
        nodes: hostsOf(options).map((host, index) => ({
          ...host,
          address: claim.network.nodeAddress(index + 1),
        })),
        etcd,
        natsServer,
        natsServers: Number(nats),
        coordinators: options.coordinators ?? 1,
        kubernetesVersion: options.kubernetesVersion ?? KUBERNETES_VERSION,
        lockstep: options.lockstep ?? true,
        encrypted: options.encryptionConfig !== undefined,
        failpoints: options.failpoints ?? false,
        processes: {},
      },
      options.detached === true ? undefined : self(),
    );
    try {
      await lab.save();
      if (network === 'namespaces') {
        lab.networkNamespaces = await NetworkNamespaces.make(lab.network.number, lab.hosts);
      }
      await bringUp(lab, { ...options, environment: lab.environment }, signal);
      await lab.save();
      return lab;
    } catch (error) {
      await endLabProcesses(lab.description.id);
      await lab.networkNamespaces?.remove();
      throw error;
    } finally {
      claim.release();
    }
  }

  /** A lab that another process brought up. Throws where the directory is none. */
  static open(directory: string): Lab {
    const lab = new Lab(resolve(directory), readDescription(directory), undefined);
    if (lab.description.network === 'namespaces') {
      lab.networkNamespaces = NetworkNamespaces.find(lab.network.number, lab.hosts);
    }
    return lab;
  }

  /** Nodes with a member of etcd. */
  get etcdHosts(): readonly LabNode[] {
    return this.nodes.filter(({ role }) => role !== 'control-plane');
  }

  /** Nodes with an API server. */
  get controlPlanes(): readonly LabNode[] {
    return this.nodes.filter(({ role }) => role !== 'etcd');
  }

  /** To cut hosts off and join them again. Throws where they share this machine's loopback. */
  get namespaces(): NetworkNamespaces {
    if (this.networkNamespaces === undefined) throw new Error('the lab has no network namespaces');
    return this.networkNamespaces;
  }

  /** What is put before a command that shall run on a host. */
  enter(host: string): readonly string[] {
    return this.networkNamespaces?.enter(host) ?? [];
  }

  get natsAddresses(): string[] {
    return this.natsServers.map((_, index) => this.network.natsAddress(index));
  }

  /** The first, which most labs have alone. */
  get coordinator(): BackgroundProgram {
    const [first] = this.coordinators;
    if (first === undefined) throw new Error('the lab has no coordinator');
    return first;
  }

  get coordinatorAddress(): string {
    return `${this.network.coordinatorAddress(0)}:${COORDINATOR_PORT}`;
  }

  get coordinatorAddresses(): string[] {
    return this.coordinators.map(
      (_, index) => `${this.network.coordinatorAddress(index)}:${COORDINATOR_PORT}`,
    );
  }

  /** A coordinator's configuration and state. */
  coordinatorDirectory(index: number): string {
    return coordinatorDirectory(this.directory, index);
  }

  /** Where the coordinator is told its failpoints, in a lab that has them. */
  get coordinatorFailpointsDirectory(): string {
    return join(this.directory, 'coordinator/failpoints');
  }

  /** For LOCKSTEP_CONFIG: the first operator's. */
  get commandLineConfig(): string {
    return join(this.directory, 'pki/config.yaml');
  }

  /** Throws where there is no node of that name. */
  node(name: string): LabNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`the lab has no node ${name}`);
    return found;
  }

  /** The command line, to its end. */
  async lockstep(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return runProgram(process.execPath, [programs.commandLine, ...args], {
      ...options,
      env: { ...this.commandLineEnvironment(), ...options.env },
    });
  }

  /** The command line, running: for what a person does meanwhile. Ends with the lab at the latest. */
  spawnLockstep(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(process.execPath, [programs.commandLine, ...args], {
      env: { ...this.commandLineEnvironment(), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** etcdctl against one node's member, as its health-check client. */
  async etcdctl(node: LabNode | string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { root, address } = typeof node === 'string' ? this.node(node) : node;
    const pki = join(root, hostPaths.pki, 'etcd');
    const access = [
      `--endpoints=https://${address}:2379`,
      `--cacert=${pki}/ca.crt`,
      `--cert=${pki}/healthcheck-client.crt`,
      `--key=${pki}/healthcheck-client.key`,
    ];
    return runProgram(this.etcdTools.etcdctl, [...access, ...args], {
      ...options,
      env: { ...process.env, ETCDCTL_API: '3', ...options.env },
    });
  }

  /** Ends every process of the lab and nothing else, and removes the directory unless it shall stay. */
  async down(options: { readonly keepDirectory?: boolean } = {}): Promise<void> {
    await endLabProcesses(this.description.id);
    await this.networkNamespaces?.remove();
    if (options.keepDirectory !== true) await rm(this.directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  /** Whatever has an address of its own. */
  private get hosts(): NamespaceHost[] {
    const programs = [
      ...this.coordinators.map(({ name }, index) => ({
        name,
        address: this.network.coordinatorAddress(index),
      })),
      ...this.natsServers.map(({ name }, index) => ({ name, address: this.network.natsAddress(index) })),
    ];
    return [...this.nodes.map(({ name, address }) => ({ name, address })), ...programs];
  }

  /** Notes what runs outside the nodes, for `Lab.open`. */
  private async save(): Promise<void> {
    const running = [...this.coordinators, ...this.natsServers].flatMap(({ name, running }) =>
      running === undefined ? [] : [[name, running] as const],
    );
    await writeDescription(this.directory, { ...this.description, processes: Object.fromEntries(running) });
  }

  private program(
    name: string,
    command: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): BackgroundProgram {
    const logFile = join(this.directory, 'logs', `${name}.log`);
    return new BackgroundProgram(
      {
        name,
        command,
        logFile,
        environment: { ...this.environment, ...environment },
        enter: () => this.enter(name),
      },
      this.description.processes[name],
    );
  }

  private commandLineEnvironment(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.environment, LOCKSTEP_CONFIG: this.commandLineConfig };
  }
}

/** etcd hosts first: what asks the first node for the store then asks one that has it. */
function hostsOf({
  nodes = DEFAULT_NODES,
  etcdHosts = 0,
  nodePrefix = 'cp',
}: LabOptions): { name: string; role: LabRole }[] {
  const named = (count: number, prefix: string, role: LabRole): { name: string; role: LabRole }[] =>
    Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index + 1}`, role }));
  return [
    ...named(etcdHosts, 'etcd', 'etcd'),
    ...named(nodes, nodePrefix, etcdHosts === 0 ? 'all' : 'control-plane'),
  ];
}

/** A new directory, or the one wanted, which must be empty or not there. */
async function labDirectory(wanted: string | undefined): Promise<string> {
  const directory = wanted === undefined ? await mkdtemp(join(tmpdir(), 'lab-')) : resolve(wanted);
  if (directory.length > MAX_DIRECTORY_LENGTH) {
    throw new Error(`${directory} is too long for a lab: at most ${MAX_DIRECTORY_LENGTH} characters`);
  }
  if (existsSync(join(directory, 'lab.json'))) throw new Error(`${directory} has a lab; take it down first`);
  await mkdir(directory, { recursive: true });
  return directory;
}

/** Only what programs need; nothing of the caller's that could change what they do. */
function labEnvironment(id: string): NodeJS.ProcessEnv {
  const { PATH, HOME, LOCKSTEP_TOOLS, LOCKSTEP_LOG_LEVEL } = process.env;
  return {
    PATH,
    HOME,
    LOCKSTEP_TOOLS,
    LOCKSTEP_LOG_LEVEL,
    // Compiled once for all the processes of all labs.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'lockstep-lab-compiled'),
    [LAB_VARIABLE]: id,
  };
}

function self(): string {
  const identity = identify(process.pid);
  return `${process.pid}:${identity?.startTime ?? ''}`;
}
