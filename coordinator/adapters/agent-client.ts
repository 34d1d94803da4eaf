import type { Client } from '@grpc/grpc-js';
import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  CommitRequest,
  CopySnapshotRequest,
  CopySnapshotResponse,
  DeleteSnapshotRequest,
  ExecuteRequest,
  ExportSnapshotRequest,
  ImportSnapshotRequest,
  PromiseRequest,
  SaveKeptRequest,
  SaveSnapshotRequest,
  SealSnapshotRequest,
  StepProgress,
  StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { AgentServiceService } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type {
  EncryptionUse,
  Revocation,
  SnapshotMarks,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { withCarriedCard } from '@lockstep/shared/seal/card.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { clientStream, connect, serverStream, unary } from '@lockstep/shared/transport/client.ts';
import type { EvidenceClient } from '../runner/gathering.ts';
import type { AgentAddress, AgentClient } from '../runner/ports.ts';

interface Connection {
  readonly node: string;
  readonly client: AgentClient;
  readonly channel: Client;
}

/** Agents by gRPC: one connection each, bound to the node's own certificate, kept open. */
export class AgentConnections {
  readonly #cluster: string;
  readonly #tls: TlsFiles;
  readonly #open = new Map<string, Connection>();

  constructor(cluster: string, tls: TlsFiles) {
    this.#cluster = cluster;
    this.#tls = tls;
  }

  client(address: AgentAddress): AgentClient {
    return this.#connection(address).client;
  }

  /** Apart from the commands: evidence is asked for by people, and by no operation. */
  evidence(address: AgentAddress): EvidenceClient {
    const { node, channel } = this.#connection(address);
    return {
      node,
      gather: (request, signal) => serverStream(channel, AgentServiceService.gatherEvidence, request, signal),
    };
  }

  close(): void {
    for (const { channel } of this.#open.values()) channel.close();
    this.#open.clear();
  }

  #connection({ node, address }: AgentAddress): Connection {
    const key = `${node} ${address}`;
    const kept = this.#open.get(key);
    if (kept !== undefined) return kept;
    const expected = { cluster: this.#cluster, role: 'agent', name: node } as const;
    const channel = connect({ address, tls: this.#tls, expected });
    const connection = { node, client: agentClient(node, address, channel), channel };
    this.#open.set(key, connection);
    return connection;
  }
}

function agentClient(node: string, address: string, channel: Client): AgentClient {
  const service = AgentServiceService;
  return {
    node,
    address,
    describe: async (signal) => {
      const { report } = await unary(channel, service.describe, {}, signal);
      if (report === undefined) throw new LockstepError('INTERNAL', { message: 'An empty report.', node });
      return report;
    },
    checkEncryption: async (uses: readonly EncryptionUse[], signal) =>
      (await unary(channel, service.checkEncryption, { uses: [...uses] }, signal)).verdicts,
    compareLive: (request, signal) => unary(channel, service.compareLive, request, signal),
    promise: (request: PromiseRequest, signal) => unary(channel, service.promise, request, signal),
    execute: (request, onProgress, signal) => execute(channel, node, request, onProgress, signal),
    commit: (request: CommitRequest, signal) => unary(channel, service.commit, request, signal),
    observeMember: (hashRevision, signal) => unary(channel, service.observeMember, { hashRevision }, signal),
    readLedger: (operationId, signal) => unary(channel, service.readLedger, { operationId }, signal),
    saveSnapshot: (request: SaveSnapshotRequest, signal) =>
      serverStream(channel, service.saveSnapshot, request, signal),
    describeKept: (operationId, signal) => unary(channel, service.describeKept, { operationId }, signal),
    saveKept: (request: SaveKeptRequest, signal) => serverStream(channel, service.saveKept, request, signal),
    listSnapshots: async (signal) =>
      (await unary(channel, service.listSnapshots, {}, signal)).snapshots.map(withCarriedCard),
    verifySnapshot: (snapshotId, signal) => unary(channel, service.verifySnapshot, { snapshotId }, signal),
    copySnapshot: async (request: CopySnapshotRequest, onProgress, signal) =>
      copied(node, serverStream(channel, service.copySnapshot, request, signal), onProgress),
    exportSnapshot: (request: ExportSnapshotRequest, signal) =>
      serverStream(channel, service.exportSnapshot, request, signal),
    importSnapshot: async (parts: AsyncIterable<ImportSnapshotRequest>, signal) => {
      const { snapshot } = await clientStream(channel, service.importSnapshot, parts, signal);
      return snapshot === undefined ? undefined : withCarriedCard(snapshot);
    },
    deleteSnapshot: async (request: DeleteSnapshotRequest, signal) => {
      await unary(channel, service.deleteSnapshot, request, signal);
    },
    markSnapshot: async (marks: SnapshotMarks, signal) =>
      (await unary(channel, service.markSnapshot, { marks }, signal)).marks ?? marks,
    drillSnapshot: (snapshotId, signal) =>
      serverStream(channel, service.drillSnapshot, { snapshotId }, signal),
    sealSnapshot: async (request: SealSnapshotRequest, signal) => {
      const { snapshot } = await unary(channel, service.sealSnapshot, request, signal);
      if (snapshot === undefined) throw new LockstepError('INTERNAL', { message: 'No snapshot.', node });
      return withCarriedCard(snapshot);
    },
    getRevocations: async (signal) => (await unary(channel, service.getRevocations, {}, signal)).revocations,
    setRevocations: async (revocations: readonly Revocation[], signal) =>
      (await unary(channel, service.setRevocations, { revocations: [...revocations] }, signal)).revocations,
  };
}

async function copied(
  node: string,
  responses: AsyncIterable<CopySnapshotResponse>,
  onProgress: (progress: StepProgress) => void,
): Promise<StoredSnapshot> {
  for await (const { event } of responses) {
    if (event?.$case === 'progress') onProgress(event.value);
    if (event?.$case === 'failure') throw fromFailure(event.value);
    if (event?.$case === 'snapshot') return withCarriedCard(event.value);
  }
  throw new LockstepError('UNREACHABLE', { message: 'The agent ended the copy without a result.', node });
}

/** The last message carries the result; a stream that ends without one is no answer. */
async function execute(
  channel: Client,
  node: string,
  request: ExecuteRequest,
  onProgress: (progress: StepProgress) => void,
  signal: AbortSignal,
): Promise<StepResult> {
  let result: StepResult | undefined;
  for await (const { event } of serverStream(channel, AgentServiceService.execute, request, signal)) {
    switch (event?.$case) {
      case 'progress':
        onProgress(event.value);
        break;
      case 'result':
        result = event.value;
        break;
      case undefined:
        break;
    }
  }
  if (result !== undefined) return result;
  throw new LockstepError('UNREACHABLE', { message: 'The agent ended the step without a result.', node });
}
