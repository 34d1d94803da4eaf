import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ContainerRecord } from './container-runtime/records.ts';
import { answersOk } from './etcd-cluster.ts';
import type { Misbehaviour } from './kubelet/kubelet.ts';
import type { LabRole } from './lab-description.ts';
import { type ManifestInput, type ManifestName, manifests } from './layout/manifests.ts';
import { enableUnit, write } from './layout/node-root.ts';
import { hostPaths, programs } from './layout/paths.ts';
import { ETCD_UNIT } from './layout/units.ts';
import { AGENT_PORT, SERVICE_MANAGER_PORT } from './network.ts';
import {
  endLabProcesses,
  identify,
  isAlive,
  NODE_VARIABLE,
  type ProcessId,
  signalProcess,
  startInBackground,
} from './processes.ts';
import { type Ended, runProgram } from './programs.ts';
import { until, untilListening } from './wait.ts';

export type UnitName = 'kubelet' | 'containerd' | 'lockstep-agent' | 'etcd';

export interface LabNodeOptions {
  readonly labId: string;
  readonly name: string;
  readonly address: string;
  readonly role: LabRole;
  /** Of the node, within the lab's: its root and what the lab keeps about it. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly manifestInput: ManifestInput;
  /** `PID:STARTTIME` whose end ends the lab; undefined: it stays. */
  readonly owner: string | undefined;
  /** As in `startInBackground`, for whatever runs on the node. */
  readonly enter: () => readonly string[];
}

const SYSTEMCTL_TIMEOUT_MS = 120_000;
const AGENT_TIMEOUT_MS = 30_000;

/** One host of the lab. */
export class LabNode {
  readonly name: string;
  readonly address: string;
  readonly role: LabRole;
  /** The node's file system, laid out as kubeadm's. */
  readonly root: string;
  private readonly options: LabNodeOptions;

  constructor(options: LabNodeOptions) {
    this.options = options;
    this.name = options.name;
    this.address = options.address;
    this.role = options.role;
    this.root = join(options.directory, 'root');
  }

  /** The real path of a path on the node. */
  path(hostPath: string): string {
    return join(this.root, hostPath);
  }

  get imagesFile(): string {
    return join(this.options.directory, '..', 'images.json');
  }

  get misbehaviourFile(): string {
    return join(this.options.directory, 'misbehaviour.json');
  }

  /** Where this node's agent is told its failpoints, in a lab that has them. */
  get failpointsDirectory(): string {
    return join(this.options.directory, 'failpoints');
  }

  /** Where the units' output is: `UNIT.log`. */
  get logDirectory(): string {
    return join(this.options.directory, 'logs');
  }

  /** Starts the service manager, and with it every enabled unit: the host boots. */
  async powerOn(): Promise<void> {
    const { owner } = this.options;
    const args = [
      programs.serviceManager,
      `--root=${this.root}`,
      `--listen=${this.address}:${SERVICE_MANAGER_PORT}`,
      `--logs=${this.logDirectory}`,
      ...(owner === undefined ? [] : [`--owner=${owner}`]),
    ];
    await startInBackground(process.execPath, args, {
      logFile: join(this.options.directory, 'service-manager.log'),
      environment: { ...this.options.environment, [NODE_VARIABLE]: this.name },
      enter: this.options.enter(),
    });
  }

  /** Every process of the node ends at once. What was written stays: there is no power loss for a file system here. */
  async powerOff(): Promise<void> {
    await endLabProcesses(this.options.labId, this.name);
  }

  async reboot(): Promise<void> {
    await this.powerOff();
    await this.powerOn();
  }

  async systemctl(...args: string[]): Promise<Ended> {
    return runProgram(this.path('/usr/bin/systemctl'), args, { timeoutMs: SYSTEMCTL_TIMEOUT_MS });
  }

  /** Throws where systemctl says no. */
  async start(unit: UnitName): Promise<void> {
    await this.checkedSystemctl('start', unit);
  }

  async stop(unit: UnitName): Promise<void> {
    await this.checkedSystemctl('stop', unit);
  }

  async restart(unit: UnitName): Promise<void> {
    await this.checkedSystemctl('restart', unit);
  }

  /** Signals the unit's main process, SIGKILL unless told otherwise; the restart policy follows. SIGSTOP holds it. */
  async kill(unit: UnitName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const main = await this.unitProcess(unit);
    if (main === undefined || !signalProcess(main, signal)) {
      throw new Error(`${unit} of ${this.name} has no main process`);
    }
  }

  async isActive(unit: UnitName): Promise<boolean> {
    return (await this.systemctl('is-active', '--quiet', unit)).exitCode === 0;
  }

  async unitProcess(unit: UnitName): Promise<ProcessId | undefined> {
    const { stdout } = await this.systemctl('show', unit, '--property=MainPID', '--value');
    return identify(Number(stdout));
  }

  /** Running containers as the runtime has recorded them, also while it is down. */
  containers(name?: string): (ContainerRecord & { readonly process: ProcessId })[] {
    const directory = this.path('/var/lib/containerd/containers');
    return listJson(directory)
      .map((file) => readContainer(join(directory, file)))
      .filter((record) => record !== undefined)
      .flatMap((record) => {
        const { process } = record;
        return process !== undefined && isAlive(process) ? [{ ...record, process }] : [];
      })
      .filter((record) => name === undefined || record.name === name);
  }

  /** Signals the processes of a component's containers, SIGKILL unless told otherwise; returns how many. */
  killContainers(name: string, signal: NodeJS.Signals = 'SIGKILL'): number {
    return this.containers(name).filter(({ process }) => signalProcess(process, signal)).length;
  }

  /** As a program of the node writes a manifest: kubelet sees it at once and whole. */
  async addStaticPod(file: string, text: string): Promise<void> {
    const path = join(this.path(hostPaths.manifests), file);
    const partial = join(dirname(path), `.${file}.new`);
    await writeFile(partial, text, { mode: 0o600 });
    await rename(partial, path);
  }

  async removeStaticPod(file: string): Promise<void> {
    await rm(join(this.path(hostPaths.manifests), file));
  }

  get manifestInput(): ManifestInput {
    return this.options.manifestInput;
  }

  /** Starts the member, as the node is to run it from now on. */
  async startEtcd(): Promise<void> {
    if (this.role !== 'etcd') return this.addStaticPod('etcd.yaml', this.manifest('etcd'));
    await enableUnit(this.root, ETCD_UNIT.name, ETCD_UNIT.path);
    await this.start('etcd');
  }

  /** kubeadm's manifest of a component, as the lab wrote it at first. */
  manifest(component: ManifestName): string {
    return manifests(this.options.manifestInput)[component];
  }

  /** From now on, until set again. */
  async misbehave(how: Partial<Misbehaviour>): Promise<void> {
    await writeFile(`${this.misbehaviourFile}.new`, JSON.stringify(how));
    await rename(`${this.misbehaviourFile}.new`, this.misbehaviourFile);
  }

  async writeFile(hostPath: string, content: string, mode = 0o644): Promise<void> {
    await write(this.root, hostPath, content, mode);
  }

  /** Changes the agent's configuration and starts it again. */
  async reconfigureAgent(
    change: (config: Record<string, unknown>) => Record<string, unknown>,
  ): Promise<void> {
    const path = this.path(hostPaths.agentConfig);
    await writeFile(path, stringify(change(parse(await readFile(path, 'utf8')) as Record<string, unknown>)));
    await this.restart('lockstep-agent');
    await this.waitAgent(AbortSignal.timeout(AGENT_TIMEOUT_MS));
  }

  async waitAgent(signal: AbortSignal): Promise<void> {
    await untilListening(`the agent of ${this.name}`, `${this.address}:${AGENT_PORT}`, signal);
  }

  async isApiReady(): Promise<boolean> {
    return answersOk(`https://${this.address}:6443/readyz`, {
      ca: await readFile(this.path(`${hostPaths.pki}/ca.crt`)),
    });
  }

  async waitApiReady(signal: AbortSignal): Promise<void> {
    await until(`the API server of ${this.name} is ready`, () => this.isApiReady(), signal);
  }

  private async checkedSystemctl(verb: string, unit: UnitName): Promise<void> {
    const { exitCode, stderr } = await this.systemctl(verb, unit);
    if (exitCode !== 0) throw new Error(`systemctl ${verb} ${unit} on ${this.name}: ${stderr.trim()}`);
  }
}

function listJson(directory: string): string[] {
  try {
    return readdirSync(directory).filter((file) => file.endsWith('.json'));
  } catch {
    return [];
  }
}

/** Undefined where the file went meanwhile. */
function readContainer(path: string): ContainerRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ContainerRecord;
  } catch {
    return undefined;
  }
}
