import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  AgentServiceServer,
  DescribeKeptRequest,
  DescribeKeptResponse,
  ExecuteRequest,
  SaveKeptRequest,
  SaveKeptResponse,
  SaveSnapshotRequest,
  SaveSnapshotResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { type CallContext, streamHandler, unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import { EffectSlot } from '../executor/effect-slot.ts';
import { findKept, keptSource, readKept, reportOfKept } from '../snapshots/kept.ts';
import { holdStopped } from '../snapshots/offline.ts';
import { PackedChunks } from '../snapshots/packed-chunks.ts';
import { type SaveDependencies, saveSnapshot } from '../snapshots/save.ts';
import { serveSnapshot } from '../snapshots/serve.ts';
import { compare } from './compare.ts';
import { copyCalls } from './copies.ts';
import type { AgentServiceDependencies } from './dependencies.ts';
import { drillingCalls } from './drilling.ts';
import { evidenceCalls } from './evidence.ts';
import { keepingCalls } from './keeping.ts';
import { observeMember } from './observe-member.ts';
import { readLedger } from './read-ledger.ts';
import { sealingCalls } from './sealing.ts';
import { streamSave } from './stream-save.ts';

/** The agent's service: each call handed to the one that answers it. */
export function createAgentService(dependencies: AgentServiceDependencies): AgentServiceServer {
  const { config, ledger, executor, ports, drills } = dependencies;
  const { hosting, member, snapshots } = ports;
  // Two snapshots at once would take the member's disk for twice as long, and prove no more.
  const saving = new EffectSlot(ports.clock);
  const packed = new PackedChunks();
  return {
    describe: unaryHandler(async (_request, { signal }) => ({ report: await ports.describe(signal) })),
    checkEncryption: unaryHandler(async (request, { signal }) => ({
      verdicts: await hosting.checkEncryption(request.uses, signal),
    })),
    compareLive: unaryHandler((request, { signal }) => compare(ports, request, signal)),
    promise: unaryHandler(async (request, { caller }) => {
      // An operation comes before any drill, and finds nothing of one.
      using _way = await drills.makeWay();
      return await executor.promise(request, identityUri(caller));
    }),
    execute: streamHandler((request: ExecuteRequest, { caller, signal }: CallContext) =>
      executor.execute(request, identityUri(caller), signal),
    ),
    commit: unaryHandler((request, { caller }) => executor.commit(request, identityUri(caller))),
    observeMember: unaryHandler((request, { signal }) =>
      observeMember(
        { node: config.node, member, executor, clock: ports.clock },
        request.hashRevision,
        signal,
      ),
    ),
    readLedger: unaryHandler(async (request) => readLedger(ledger, request.operationId)),
    saveSnapshot: streamHandler((request: SaveSnapshotRequest, { caller, signal }: CallContext) =>
      save(dependencies, saving, request, identityUri(caller), signal),
    ),
    describeKept: unaryHandler((request, { signal }) => describeKept(dependencies, request, signal)),
    saveKept: streamHandler((request: SaveKeptRequest, { caller, signal }: CallContext) =>
      saveKept(dependencies, saving, request, identityUri(caller), signal),
    ),
    listSnapshots: unaryHandler(async () => ({ snapshots: await snapshots.list() })),
    verifySnapshot: unaryHandler((request, { signal }) => snapshots.verify(request.snapshotId, signal)),
    readSnapshot: streamHandler((request, { signal }) =>
      serveSnapshot({ store: snapshots, packed }, request, signal),
    ),
    ...sealingCalls(dependencies),
    ...copyCalls(dependencies),
    ...keepingCalls(dependencies),
    ...drillingCalls(dependencies),
    ...evidenceCalls(dependencies),
  };
}

async function describeKept(
  { config, ledger, ports }: AgentServiceDependencies,
  { operationId }: DescribeKeptRequest,
  signal: AbortSignal,
): Promise<DescribeKeptResponse> {
  const kept = await findKept({ ...config, ledger, stores: ports.stores }, operationId, signal);
  const { facts, lastIndex } = await readKept(kept, signal);
  return {
    path: kept.path,
    revision: facts.status?.revision ?? 0n,
    consistentIndex: facts.consistentIndex,
    lastIndex,
    sizeBytes: facts.status?.totalSizeBytes ?? 0n,
  };
}

async function* saveKept(
  dependencies: AgentServiceDependencies,
  saving: EffectSlot,
  { operationId, reason }: SaveKeptRequest,
  caller: string,
  signal: AbortSignal,
): AsyncGenerator<SaveKeptResponse, void, undefined> {
  const { config, ledger, ports } = dependencies;
  const kept = await findKept({ ...config, ledger, stores: ports.stores }, operationId, signal);
  const { facts } = await readKept(kept, signal);
  yield* taking(dependencies, saving, { command: 'SaveKept', operationId, caller }, reason, signal, {
    describe: async () => reportOfKept(kept),
    member: keptSource(kept, facts),
  });
}

async function* save(
  dependencies: AgentServiceDependencies,
  saving: EffectSlot,
  request: SaveSnapshotRequest,
  caller: string,
  signal: AbortSignal,
): AsyncGenerator<SaveSnapshotResponse, void, undefined> {
  const { config, ports } = dependencies;
  const { node, cluster } = config;
  if (request.cluster !== '' && request.cluster !== cluster) {
    throw new LockstepError('CLUSTER_MISMATCH', {
      node,
      message: `Asked for cluster ${request.cluster}; ${node} belongs to ${cluster}.`,
    });
  }
  const asked = { command: 'SaveSnapshot', operationId: '', caller };
  if (!request.offline) {
    yield* taking(dependencies, saving, asked, request.reason, signal, {
      describe: (until) => ports.hosting.provenance(until),
      member: ports.snapshotSource,
    });
    return;
  }
  const open = dependencies.ledger.openOperation();
  if (open !== undefined) {
    throw new LockstepError('SAVE_FAILED', {
      node,
      message: `${open.operationId} is open on ${node}: its steps need the store that would be held.`,
    });
  }
  const { describe, lockDatabase, stores } = ports;
  const realPath = (path: string): string => stores.realPath(path);
  await using held = await holdStopped({ node, describe, realPath, lockDatabase }, signal);
  yield* taking(dependencies, saving, asked, request.reason, signal, {
    describe: async () => held.report,
    member: held.source,
    log: held.log,
  });
}

/** One snapshot at a time, from wherever; what became of it is in the audit. */
async function* taking(
  { config: { node, cluster }, ledger, ports, now }: AgentServiceDependencies,
  saving: EffectSlot,
  asked: { readonly command: string; readonly operationId: string; readonly caller: string },
  reason: string,
  signal: AbortSignal,
  source: Pick<SaveDependencies, 'describe' | 'member' | 'log'>,
): AsyncGenerator<SaveSnapshotResponse, void, undefined> {
  using slot = await saving.acquire(0);
  if (slot === undefined) {
    throw new LockstepError('SAVE_FAILED', { node, message: `${node} is taking a snapshot already.` });
  }
  let outcome = 'failed';
  try {
    for await (const response of streamSave(node, ports.clock, (progress) =>
      saveSnapshot(
        {
          describe: source.describe,
          member: source.member,
          ...(source.log === undefined ? {} : { log: source.log }),
          store: ports.snapshots,
          seal: (card) => ports.sealing.seal(card),
          now,
        },
        { node, cluster, reason },
        progress,
        signal,
      ),
    )) {
      if (response.event?.$case === 'snapshot') outcome = 'done';
      yield response;
    }
  } finally {
    ledger.recordAudit({ ...asked, epoch: undefined, outcome });
  }
}
