import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError, refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SaveSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  ApprovePlanRequest,
  ApprovePlanResponse,
  GetOperationResponse,
  OperatorServiceSaveSnapshotRequest,
  OperatorServiceSaveSnapshotResponse,
  OperatorServiceServer,
  WatchOperationResponse,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { type CallContext, streamHandler, unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import { judgeApprover } from '../core/approval.ts';
import type { Copying } from '../runner/copying.ts';
import { inspectNodes } from '../runner/inventory.ts';
import type { Operations } from '../runner/operations.ts';
import type { Plans } from '../runner/ports.ts';
import { judged } from '../runner/sealing.ts';
import { chooseSource, listSnapshots } from '../runner/snapshots.ts';
import { streamWork } from '../runner/work-stream.ts';
import { copyCalls } from './copies.ts';
import { drillingCalls } from './drilling.ts';
import { evidenceCalls } from './evidence.ts';
import { keepingCalls } from './keeping.ts';
import type { OperatorServiceSettings } from './settings.ts';
import { trustCalls } from './trust.ts';

/** The operator's calls, each a thin layer over the runner. Who called is logged with what was asked. */
export function createOperatorService(settings: OperatorServiceSettings): OperatorServiceServer {
  const {
    agents,
    operations,
    leadership,
    planner,
    reverts,
    rejoins,
    plans,
    sealing,
    clock,
    cluster,
    coordinatorId,
  } = settings;
  const audit = ({ caller }: CallContext, call: string, fields: object): string => {
    const by = identityUri(caller);
    settings.logger.info({ by, call, ...fields }, 'operator call');
    return by;
  };
  return {
    getVersion: unaryHandler(async () => ({
      version: VERSION,
      coordinatorId,
      cluster,
      nats: settings.natsStatus(),
      leads: leadership.leads,
      leader: leadership.leads ? coordinatorId : (leadership.other?.coordinator ?? ''),
      leaderAddress: leadership.other?.address ?? '',
      signing: await sealing.means.report(),
    })),

    listNodes: unaryHandler(async (request, { signal }) => {
      requireCluster(request.cluster, cluster);
      const nodes = await inspectNodes(agents, clock, signal);
      return {
        nodes: nodes.map(({ node, address, report, failure }) => ({ node, address, report, failure })),
      };
    }),

    saveSnapshot: streamHandler((request, context) => {
      audit(context, 'SaveSnapshot', { node: request.node, reason: request.reason });
      return saveSnapshot(settings, request, context.signal);
    }),

    listSnapshots: unaryHandler(async (_request, { signal }) => {
      const [{ snapshots, failures }, trust] = await Promise.all([
        listSnapshots(agents, signal),
        sealing.trust(signal),
      ]);
      return { snapshots: snapshots.map((each) => judged(each, trust)), failures };
    }),

    verifySnapshot: unaryHandler(async ({ snapshotId, store, fileKey }, { signal }) => {
      const opened = store === '' ? undefined : { store, fileKey };
      return { verdicts: await settings.verifying.verify(snapshotId, opened, signal) };
    }),

    planRestore: unaryHandler(async (request, context) => {
      const by = audit(context, 'PlanRestore', { snapshotId: request.snapshotId, reason: request.reason });
      // A plan is with who made it, and who leads runs it.
      operations.requireLead();
      const { plan, planSha256, refusals, warnings } = await planner.plan(request, by, context.signal);
      return { plan, planSha256, refusals: [...refusals], warnings: [...warnings] };
    }),

    planRevert: unaryHandler(async (request, context) => {
      const by = audit(context, 'PlanRevert', { operationId: request.operationId, reason: request.reason });
      operations.requireLead();
      await settings.ready();
      const { plan, planSha256, refusals, warnings } = await reverts.plan(request, by, context.signal);
      return { plan, planSha256, refusals: [...refusals], warnings: [...warnings] };
    }),

    planRejoin: unaryHandler(async (request, context) => {
      const by = audit(context, 'PlanRejoin', { node: request.node, reason: request.reason });
      operations.requireLead();
      const { plan, planSha256, refusals, warnings } = await rejoins.plan(request, by, context.signal);
      return { plan, planSha256, refusals: [...refusals], warnings: [...warnings] };
    }),

    ...trustCalls(settings),
    ...copyCalls(settings),
    ...keepingCalls(settings),
    ...drillingCalls(settings),
    ...evidenceCalls(settings),

    approvePlan: unaryHandler(async (request, context) => {
      const { operationId, planSha256, reason } = request;
      const by = audit(context, 'ApprovePlan', { operationId, planSha256, reason });
      operations.requireLead();
      return approve(settings, request, by);
    }),

    runRestore: unaryHandler(async (request, context) => {
      audit(context, 'RunRestore', { operationId: request.operationId });
      const stored = await plans.get(request.operationId);
      return { refusals: await operations.start(stored, request, context.signal) };
    }),

    listOperations: unaryHandler(async (_request, { signal }) => {
      await settings.ready();
      return { operations: await operations.listAll(signal) };
    }),

    getOperation: unaryHandler(async ({ operationId }, { signal }) => {
      await settings.ready();
      return getOperation(operations, plans, operationId, signal);
    }),

    watchOperation: streamHandler(({ operationId, fromSequence }, { signal }) =>
      watch(settings, operationId, fromSequence, signal),
    ),

    abortOperation: unaryHandler(async (request, context) => {
      const by = audit(context, 'AbortOperation', {
        operationId: request.operationId,
        reason: request.reason,
      });
      await settings.ready();
      const operation = await operations.abort(request.operationId, by, request.reason, context.signal);
      return { operation };
    }),

    resumeOperation: unaryHandler(async ({ operationId }, context) => {
      audit(context, 'ResumeOperation', { operationId });
      await settings.ready();
      return { operation: await operations.resume(operationId, context.signal) };
    }),
  };
}

async function getOperation(
  operations: Operations,
  plans: Plans,
  operationId: string,
  signal: AbortSignal,
): Promise<GetOperationResponse> {
  const known = await operations.find(operationId, signal);
  const stored = operationId === '' ? undefined : await plans.get(operationId);
  if (known === undefined && stored === undefined) {
    const words = operationId === '' ? 'There is no operation.' : `There is no operation ${operationId}.`;
    throw new LockstepError('OPERATION_NOT_FOUND', { message: words });
  }
  return {
    operation: known?.operation,
    plan: known?.plan ?? (stored === undefined ? undefined : RestorePlan.decode(stored.planBytes)),
    report: known?.report,
    planSha256: known?.planSha256 ?? stored?.planSha256 ?? '',
    refusals: [...(stored?.refusals ?? [])],
    warnings: [...(stored?.warnings ?? [])],
    approval: stored?.approval ?? known?.operation.approval,
  };
}

/** The last word counts: another person may approve what one has approved already. */
async function approve(
  { plans, clock }: OperatorServiceSettings,
  { operationId, planSha256, reason }: ApprovePlanRequest,
  approvedBy: string,
): Promise<ApprovePlanResponse> {
  const stored = await plans.get(operationId);
  if (stored === undefined || stored.planSha256 !== planSha256) {
    const words = `there is no plan ${operationId} with that digest here`;
    return { refusals: [refusal('PLAN_NOT_FOUND', words)], approval: undefined };
  }
  const plan = RestorePlan.decode(stored.planBytes);
  const refusals = [...stored.refusals, ...judgeApprover(plan, approvedBy)];
  if (clock.nowMs() > stored.expiresMs) {
    refusals.push(refusal('PLAN_EXPIRED', `the plan expired at ${new Date(stored.expiresMs).toISOString()}`));
  }
  if (refusals.length > 0) return { refusals, approval: undefined };
  const approval = { approvedBy, approvedMs: BigInt(clock.nowMs()), planSha256, reason };
  await plans.put({ ...stored, approval });
  return { refusals: [], approval };
}

async function* watch(
  { operations, ready }: OperatorServiceSettings,
  operationId: string,
  fromSequence: bigint,
  signal: AbortSignal,
): AsyncGenerator<WatchOperationResponse, void, undefined> {
  await ready();
  for await (const event of operations.watch(operationId, fromSequence, signal)) yield { event };
}

async function* saveSnapshot(
  { agents, clock, cluster, copying }: OperatorServiceSettings,
  { node, reason }: OperatorServiceSaveSnapshotRequest,
  signal: AbortSignal,
): AsyncGenerator<OperatorServiceSaveSnapshotResponse, void, undefined> {
  const source = await chooseSource(agents, clock, node, signal);
  for await (const { event } of source.saveSnapshot({ cluster, reason, offline: false }, signal)) {
    const answer = translate(event, source.node);
    if (answer?.$case === 'snapshot') yield* copiesOf(copying, clock, answer.value, signal);
    if (answer !== undefined) yield { event: answer };
  }
}

/** What the configuration wants beside it. Whatever becomes of that, the snapshot is taken. */
async function* copiesOf(
  copying: Copying,
  clock: Clock,
  snapshot: StoredSnapshot,
  signal: AbortSignal,
): AsyncGenerator<OperatorServiceSaveSnapshotResponse, void, undefined> {
  const work = streamWork(clock, (onProgress) => copying.makeWanted(snapshot, onProgress, signal));
  for await (const event of work) {
    if (event.$case === 'progress') yield { event };
    else for (const value of event.value) yield { event: { $case: 'copy', value } };
  }
}

function translate(
  event: SaveSnapshotResponse['event'],
  node: string,
): OperatorServiceSaveSnapshotResponse['event'] {
  switch (event?.$case) {
    case 'progress': {
      const { step, doneBytes, totalBytes } = event.value;
      const progress = { phase: Phase.PHASE_UNSPECIFIED, node, step, doneBytes, totalBytes, done: false };
      return { $case: 'progress', value: progress };
    }
    case 'snapshot':
      return { $case: 'snapshot', value: { ...event.value, node } };
    case 'failure':
      return event;
    default:
      return undefined;
  }
}

function requireCluster(asked: string, own: string): void {
  if (asked === '' || asked === own) return;
  throw new LockstepError('CLUSTER_MISMATCH', {
    message: `This coordinator is of cluster ${own}, not ${asked}.`,
  });
}
