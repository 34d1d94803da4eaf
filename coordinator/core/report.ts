import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Operation, OperationReport } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { EtcdMemberPlan, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { PlanKind } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { OperationState, PhaseRecord } from './state.ts';
import { truthOf } from './truth.ts';

/** The operation as an operator sees it, at any time. */
export function describeOperation(state: OperationState): Operation {
  const { plan, stage } = state;
  const ended = stage.kind === 'ended';
  return {
    operationId: plan.operationId,
    cluster: plan.cluster,
    requestedBy: plan.requestedBy,
    startedMs: BigInt(state.startedMs),
    endedMs: BigInt(state.endedMs ?? 0),
    phase: state.phases.at(-1)?.phase ?? Phase.PHASE_PROMISE,
    outcome: ended ? stage.outcome : Outcome.OUTCOME_UNSPECIFIED,
    undoing: stage.kind === 'undo',
    failure: ended ? stage.failure : undefined,
    nodes: [...state.nodes.values()].map((node) => ({
      node: node.node,
      phase: node.phase,
      step: node.words,
      done: node.done,
      failure: node.failure,
      truth: truthOf(state, node),
    })),
    epoch: state.epoch,
    approval: state.approval,
  };
}

/** What was done, when, and what a person should do now. Durations are the coordinator's own. */
export function reportOf(state: OperationState): OperationReport {
  const { plan, proof, phases, stage } = state;
  const isRejoin = plan.kind === PlanKind.PLAN_KIND_REJOIN;
  const restored = stage.kind === 'ended' && stage.outcome === Outcome.OUTCOME_RESTORED;
  return {
    phases: phases.flatMap(({ phase, startedMs, endedMs }) =>
      endedMs === undefined ? [] : [{ phase, durationMs: BigInt(endedMs - startedMs) }],
    ),
    downtimeMs: BigInt(downtimeMs(state)),
    hashKv: proof === undefined ? '' : proof.hash.toString(16),
    hashRevision: proof?.revision ?? 0n,
    newClusterId: proof?.clusterId ?? '',
    consequences: plan.consequences,
    advice: restored && !isRejoin ? adviceOf(plan) : [],
    kept: restored ? keptStores(plan).filter(({ node }) => !isRejoin || node === plan.rejoins?.node) : [],
    approval: state.approval,
    leftOut: plan.leftOut,
  };
}

/** From the fence to the last API server that is ready; after an undo, to OLD serving again. */
function downtimeMs({ fencedMs, phases }: OperationState): number {
  if (fencedMs === undefined) return 0;
  const up = (phase: Phase): PhaseRecord | undefined => phases.findLast((each) => each.phase === phase);
  const backMs = up(Phase.PHASE_UNDO)?.endedMs ?? up(Phase.PHASE_START_API)?.endedMs;
  return backMs === undefined ? 0 : Math.max(0, backMs - fencedMs);
}

/** After the swap OLD lies where NEW was built (docs/architecture.md, "On a node"). */
function keptStores(plan: RestorePlan): OperationReport['kept'] {
  return plan.nodes.flatMap(({ node, etcd }) =>
    etcd === undefined ? [] : [{ node, path: keptPath(etcd, plan.operationId) }],
  );
}

export function keptPath({ dataDir, oldStore }: EtcdMemberPlan, operationId: string): string {
  const own = dataDir.replace(/\/+$/, '');
  // A mount point cannot be exchanged, so there `member/` was, inside it.
  const place = oldStore?.isMountPoint === true ? own : own.replace(/\/[^/]*$/, '');
  return `${place}/.lockstep/${operationId}/store`;
}

function adviceOf(plan: RestorePlan): string[] {
  const { consequences, bump } = plan;
  const advice: string[] = [];
  for (const { node, destroyed } of plan.leftOut) {
    advice.push(
      destroyed
        ? `Take ${node} out of load balancers, DNS and the coordinator's node list: it is gone and has no member in NEW.`
        : `Bring ${node} back with \`lockstep node rejoin ${node}\` once its host is there: it has no member in NEW.`,
    );
  }
  if (bump === undefined) {
    advice.push(
      'Restart every client of the API: revisions were not bumped, so watchers may hold what no longer is.',
    );
  }
  if (consequences?.known === false) {
    advice.push(
      'Compare what runs with what the API shows: what the restore lost could not be told beforehand.',
    );
  }
  if ((consequences?.accessRevived.length ?? 0) > 0) {
    advice.push(
      `Review what came back to life (${consequences?.accessRevived.slice(0, 5).join(', ')}): revoke what should stay dead.`,
    );
  }
  if ((consequences?.nodesRevived.length ?? 0) > 0) {
    advice.push(
      `Delete the Node objects of machines that are gone: ${consequences?.nodesRevived.join(', ')}.`,
    );
  }
  if ((consequences?.volumesDiverging.length ?? 0) > 0) {
    advice.push(
      `Check the volumes that exist on one side only: ${consequences?.volumesDiverging.slice(0, 5).join(', ')}.`,
    );
  }
  if ((consequences?.jobsRerun.length ?? 0) > 0) {
    advice.push(`Watch the jobs that run again: ${consequences?.jobsRerun.slice(0, 5).join(', ')}.`);
  }
  advice.push(
    'If this was an intrusion, rotate service-account keys, tokens and certificates: a restore does not undo what was stolen.',
    'Keep OLD until nobody needs it as evidence; it holds everything that was live before.',
  );
  return advice;
}
