import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@grpc/grpc-js';
import { makePlan } from '@lockstep/coordinator/core/plan.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { fromFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  AgentServiceService,
  type CommitResponse,
  type ObserveMemberResponse,
  type PromiseResponse,
  type ReadLedgerResponse,
  type Step,
  type StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { Consequences, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type {
  SealedCard,
  SnapshotCard,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { countersignCard } from '@lockstep/shared/seal/judge.ts';
import { readSigningIdentity, signingFilesBeside } from '@lockstep/shared/seal/signing-files.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { connect, serverStream, unary } from '@lockstep/shared/transport/client.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { type Arming, FAILPOINTS_VARIABLE, FailpointBoard } from '../../faults/failpoints/board.ts';
import { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import { coordinatorName, writeLockstepFiles } from '../../lab/layout/lockstep-files.ts';
import { hostPaths, programs } from '../../lab/layout/paths.ts';
import { AGENT_PORT } from '../../lab/network.ts';
import { LAB_VARIABLE } from '../../lab/processes.ts';

const POLL_MS = 50;
const START_TIMEOUT_MS = 60_000;
const CALL_TIMEOUT_MS = 120_000;
const CLI = join(programs.agent, '../cli.ts');

export const signal = (): AbortSignal => AbortSignal.timeout(CALL_TIMEOUT_MS);

/** A lab without a coordinator: the test itself commands the agents, in the coordinator's name. */
export class AgentLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly agents: readonly LabAgent[];

  private constructor(lab: Lab, agents: readonly LabAgent[]) {
    this.lab = lab;
    this.agents = agents;
  }

  static async up(nodes: number): Promise<AgentLab> {
    const lab = await Lab.up({ nodes, lockstep: false });
    try {
      await writeLockstepFiles({
        cluster: lab.clusterName,
        directory: lab.directory,
        nodes: lab.nodes,
        coordinatorAddresses: [lab.network.coordinatorAddress(0)],
        natsAddresses: [],
        etcd: lab.etcdTools,
      });
      const agents = lab.nodes.map((node) => new LabAgent(lab, node));
      await Promise.all(agents.map((agent) => agent.start()));
      const started = new AgentLab(lab, agents);
      // What the snapshot reader knows a cluster by.
      await started.putKey('/registry/namespaces/default', {
        kind: 'Namespace',
        metadata: { name: 'default' },
      });
      await started.put('before');
      return started;
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  get first(): LabAgent {
    const [agent] = this.agents;
    if (agent === undefined) throw new Error('the lab has no node');
    return agent;
  }

  /** An object as an API server would write it. */
  async put(name: string): Promise<void> {
    await this.putKey(keyOf(name), { kind: 'ConfigMap', metadata: { name, namespace: 'default' } });
  }

  private async putKey(key: string, object: object): Promise<void> {
    const value = JSON.stringify({ apiVersion: 'v1', ...object });
    const { exitCode, stderr } = await this.lab.etcdctl(this.first.node, ['put', key, value]);
    if (exitCode !== 0) throw new Error(`put ${key}: ${stderr}`);
  }

  /** Whether every member has it. */
  async has(name: string): Promise<boolean> {
    const answers = await Promise.all(
      this.lab.nodes.map((node) => this.lab.etcdctl(node, ['get', keyOf(name), '--keys-only'])),
    );
    return answers.every(({ stdout }) => stdout.includes(keyOf(name)));
  }

  async #sealedCard({ id, node }: SnapshotCard): Promise<SealedCard | undefined> {
    const holder = this.agents.find((each) => each.node.name === node) ?? this.first;
    return (await holder.snapshots()).find(({ card }) => card?.id === id)?.sealed;
  }

  /** A plan as the coordinator makes it, from what the agents say now. */
  async plan(operationId: string, card: SnapshotCard): Promise<RestorePlan> {
    const reports = await Promise.all(this.agents.map((agent) => agent.describe()));
    const { plan, refusals } = makePlan({
      operationId,
      cluster: this.lab.clusterName,
      clusterToken: `lockstep-${operationId}`,
      nowMs: Date.now(),
      planExpiryMs: 900_000,
      requestedBy: 'lockstep://lab/operator/alice',
      reason: 'a test',
      maxOutageMs: 0n,
      overrides: [],
      asked: { without: [], destroyed: [] },
      into: '',
      cures: undefined,
      reverts: '',
      nodes: this.agents.map(({ node, address }, index) => ({
        node: node.name,
        address,
        report: reports[index],
        failure: undefined,
        askedMs: Date.now(),
        encryption: [],
      })),
      snapshot: {
        id: card.id,
        card,
        sealed: await this.#sealedCard(card),
        distrust: [],
        copies: [{ node: card.node, address: this.first.address, facts: card.facts, refusals: [] }],
      },
      consequences: Consequences.fromPartial({ known: false }),
    });
    if (refusals.length > 0) throw new Error(`refused: ${JSON.stringify(refusals)}`);
    return plan;
  }

  /** One step on every node, side by side; throws the first failure. */
  async step(operation: PromisedOperation, step: Step): Promise<StepResult[]> {
    return Promise.all(this.agents.map((agent) => agent.done(operation, step)));
  }

  async promise(operation: PromisedOperation): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.promise(operation)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.agents) agent.disconnect();
    await this.lab.down();
  }
}

function keyOf(name: string): string {
  return `/registry/configmaps/default/${name}`;
}

export interface PromisedOperation {
  readonly operationId: string;
  readonly plan: RestorePlan;
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly epoch: Epoch;
}

export function operationOf(
  plan: RestorePlan,
  number = 1n,
  coordinatorId = 'coordinator-1',
): PromisedOperation {
  const bytes = Buffer.from(RestorePlan.encode(plan).finish());
  return {
    operationId: plan.operationId,
    plan,
    bytes,
    sha256: sha256Hex(bytes),
    epoch: { number, coordinatorId },
  };
}

/** The real agent of one node, as a process of its own, and a coordinator's connection to it. */
export class LabAgent {
  readonly lab: Lab;
  readonly node: LabNode;
  readonly address: string;
  #client: Client | undefined;
  #process: ChildProcess | undefined;

  constructor(lab: Lab, node: LabNode) {
    this.lab = lab;
    this.node = node;
    this.address = `${node.address}:${AGENT_PORT}`;
  }

  get configPath(): string {
    return this.node.path(hostPaths.agentConfig);
  }

  identity(kind: 'coordinators' | 'operators' | 'agents', name: string): TlsFiles {
    const directory = join(this.lab.directory, 'pki', kind, name);
    return {
      caFile: join(directory, 'ca.crt'),
      certFile: join(directory, 'tls.crt'),
      keyFile: join(directory, 'tls.key'),
    };
  }

  /** With what is armed, where anything is. Resolves when it answers. */
  async start(arming?: Arming): Promise<void> {
    const { failpointsDirectory } = this.node;
    if (arming !== undefined) new FailpointBoard(failpointsDirectory).arm(arming);
    const program = arming === undefined ? programs.agent : programs.agentWithFailpoints;
    const log = openSync(join(this.lab.directory, 'logs', `agent-${this.node.name}.log`), 'a');
    this.#process = spawn(process.execPath, [program, '--config', this.configPath], {
      env: {
        PATH: process.env['PATH'],
        [LAB_VARIABLE]: this.lab.description.id,
        [FAILPOINTS_VARIABLE]: failpointsDirectory,
      },
      stdio: ['ignore', log, log],
    });
    const answers = {
      describe: () => `the agent of ${this.node.name} answers`,
      check: () =>
        this.ledger().then(
          () => true,
          () => false,
        ),
    };
    await waitFor(answers, POLL_MS, AbortSignal.timeout(START_TIMEOUT_MS));
  }

  async stop(how: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill(how);
    await ended;
  }

  async restart(arming?: Arming, how: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.stop(how);
    await this.start(arming);
  }

  disconnect(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  get client(): Client {
    this.#client ??= connect({
      address: this.address,
      tls: this.identity('coordinators', 'coordinator-1'),
      expected: { cluster: this.lab.clusterName, role: 'agent', name: this.node.name },
    });
    return this.#client;
  }

  async describe(): Promise<NodeReport> {
    const { report } = await unary(this.client, AgentServiceService.describe, {}, signal());
    if (report === undefined) throw new Error('no report');
    return report;
  }

  ledger(operationId = ''): Promise<ReadLedgerResponse> {
    return unary(this.client, AgentServiceService.readLedger, { operationId }, signal());
  }

  observe(hashRevision = 0n): Promise<ObserveMemberResponse> {
    return unary(this.client, AgentServiceService.observeMember, { hashRevision }, signal());
  }

  promise(operation: PromisedOperation, plan: Uint8Array = operation.bytes): Promise<PromiseResponse> {
    const { operationId, epoch } = operation;
    const { ledgerId } = operation.plan.nodes.find(({ node }) => node === this.node.name) ?? { ledgerId: '' };
    return unary(
      this.client,
      AgentServiceService.promise,
      { epoch, operationId, plan: Buffer.from(plan), ledgerId },
      signal(),
    );
  }

  commit({ epoch, operationId, sha256 }: PromisedOperation): Promise<CommitResponse> {
    return unary(
      this.client,
      AgentServiceService.commit,
      { epoch, operationId, planSha256: sha256 },
      signal(),
    );
  }

  /** A step to its result, whatever it is. Rejects where the agent refuses it. */
  async execute(operation: PromisedOperation, step: Step, timeoutMs = 90_000): Promise<StepResult> {
    const { epoch, operationId, sha256 } = operation;
    const request = { epoch, operationId, planSha256: sha256, step, timeoutMs: BigInt(timeoutMs) };
    for await (const { event } of serverStream(this.client, AgentServiceService.execute, request, signal())) {
      if (event?.$case === 'result') return event.value;
    }
    throw new Error('the stream ended without a result');
  }

  /** A step that must be done. */
  async done(operation: PromisedOperation, step: Step): Promise<StepResult> {
    const result = await this.execute(operation, step);
    if (result.failure !== undefined) throw fromFailure(result.failure);
    return result;
  }

  async save(offline = false): Promise<StoredSnapshot & { card: SnapshotCard }> {
    const request = { cluster: this.lab.clusterName, reason: 'a test', offline };
    for await (const { event } of serverStream(
      this.client,
      AgentServiceService.saveSnapshot,
      request,
      signal(),
    )) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case !== 'snapshot') continue;
      const sealed = await this.#countersign(event.value);
      if (sealed.card !== undefined) return { ...sealed, card: sealed.card };
    }
    throw new Error('the stream ended without a snapshot');
  }

  /** As a coordinator does with what it has had saved. */
  async #countersign(stored: StoredSnapshot): Promise<StoredSnapshot> {
    if (stored.sealed === undefined) throw new Error('the agent has not sealed its card');
    const name = coordinatorName(0);
    const identity = { cluster: this.lab.clusterName, role: 'coordinator', name } as const;
    const files = signingFilesBeside(join(this.lab.directory, 'pki/coordinators', name, 'tls.crt'));
    const signer = await readSigningIdentity(files, identity, Date.now());
    const seal = countersignCard(stored.sealed, signer, Date.now());
    const request = { snapshotId: stored.card?.id ?? '', seal };
    const { snapshot } = await unary(this.client, AgentServiceService.sealSnapshot, request, signal());
    if (snapshot === undefined) throw new Error('no snapshot was answered');
    return snapshot;
  }

  async snapshots(): Promise<StoredSnapshot[]> {
    return (await unary(this.client, AgentServiceService.listSnapshots, {}, signal())).snapshots;
  }

  /** `lockstep-agent … --local` on the node. */
  async cli(...args: string[]): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, [CLI, ...args, '--config', this.configPath], {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }
}
