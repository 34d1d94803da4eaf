import type { ObserveMemberResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { hasMember } from '@lockstep/shared/plan/part.ts';
import { failureOf } from './failures.ts';
import type { GateProof } from './state.ts';

export type GateVerdict =
  | { readonly kind: 'passed'; readonly proof: GateProof }
  /** Not yet: a member is not up, has not caught up, or is compacting. The failure says what is missing. */
  | { readonly kind: 'retry'; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * Judges what every member says of itself at one moment: the planned members and no other, one
 * cluster id that is not OLD's, no alarm, no way in for clients, and the same content at one
 * pinned revision. That is the canary's: it was written after the start, so it lies above every
 * compaction, where HashKV means the same on every version; and every member has it, or its hash
 * fails and the gate asks again. A node without a member is asked for the way in alone.
 */
export function judgeGate(
  plan: RestorePlan,
  pinnedRevision: bigint,
  observations: ReadonlyMap<string, ObserveMemberResponse | Failure>,
): GateVerdict {
  const members: (ObserveMemberResponse & { node: string })[] = [];
  const everybody: (ObserveMemberResponse & { node: string })[] = [];
  for (const planned of plan.nodes) {
    const { node } = planned;
    const seen = observations.get(node);
    if (seen === undefined || 'code' in seen) {
      return notYet(`${node} did not say how its member is`, node, seen === undefined ? [] : [seen]);
    }
    everybody.push({ ...seen, node });
    if (!hasMember(planned)) {
      // It has nothing else to say, so that a failure means that it was not looked at.
      if (seen.failure === undefined) continue;
      return notYet(`${node} did not say what lies in kubelet's directory`, node, [seen.failure]);
    }
    if (!seen.serving) {
      return notYet(
        `the member on ${node} does not serve yet`,
        node,
        seen.failure === undefined ? [] : [seen.failure],
      );
    }
    members.push({ ...seen, node });
  }

  // Through it clients write to NEW while an undo is still open, and their writes would die with it.
  const opened = everybody.filter((each) => each.componentsInPlace.includes('kube-apiserver'));
  if (opened.length > 0) {
    const nodes = opened.map((each) => each.node).join(', ');
    return failed('GATE_API_SERVER', `somebody put the API server's manifest back on ${nodes}`);
  }

  const clusterId = members[0]?.clusterId ?? '';
  const ids = members.map((each) => `${each.node}: ${each.clusterId}`).join(', ');
  if (clusterId === '' || members.some((each) => each.clusterId !== clusterId)) {
    return failed('GATE_CLUSTER_ID', `the members name different cluster ids: ${ids}`);
  }
  if (clusterId === plan.baseline?.etcdClusterId) {
    return failed('GATE_CLUSTER_ID', `the members still form the old cluster ${clusterId}`);
  }

  const planned = peerUrls(plan.nodes.filter(hasMember).map(({ etcd }) => etcd.initialAdvertisePeerUrls));
  for (const member of members) {
    const found = peerUrls(member.members.map((each) => each.peerUrls));
    if (found !== planned || member.members.some((each) => each.learner)) {
      return failed('GATE_MEMBERS', `${member.node} lists the members ${found}; planned are ${planned}`);
    }
    if (member.alarms.length > 0) {
      return failed('GATE_ALARM', `${member.node} reports the alarm ${member.alarms.join(', ')}`);
    }
  }
  const memberIds = new Set(members.map((each) => each.memberId));
  if (memberIds.size !== members.length) {
    return failed('GATE_MEMBERS', `two nodes answer for one member: ${[...memberIds].join(', ')}`);
  }

  for (const member of members) {
    if (member.failure !== undefined) {
      return notYet(`the member on ${member.node} could not be hashed yet`, member.node, [member.failure]);
    }
    if (member.revision < pinnedRevision) {
      return notYet(
        `the member on ${member.node} is at revision ${member.revision} of ${pinnedRevision}`,
        member.node,
      );
    }
    if (member.compactRevision >= pinnedRevision) {
      return failed(
        'GATE_HASH',
        `${member.node} compacted to ${member.compactRevision}, not below the pinned ${pinnedRevision}`,
      );
    }
  }
  const [first] = members;
  if (first === undefined) return failed('GATE_MEMBERS', 'the plan names no member');
  const differing = members.find((each) => each.compactRevision !== first.compactRevision);
  if (differing !== undefined) {
    return notYet(
      `${first.node} is compacted to ${first.compactRevision}, ${differing.node} to ${differing.compactRevision}`,
      differing.node,
    );
  }
  if (members.some((each) => each.hash !== first.hash)) {
    const hashes = members.map((each) => `${each.node}: ${each.hash.toString(16)}`).join(', ');
    return failed('GATE_HASH', `at revision ${pinnedRevision} the members hash to ${hashes}`);
  }
  return { kind: 'passed', proof: { revision: pinnedRevision, hash: first.hash, clusterId } };
}

function peerUrls(lists: readonly (readonly string[])[]): string {
  return lists
    .map((list) => [...list].sort().join('+'))
    .sort()
    .join(', ');
}

function notYet(message: string, node: string, causes: readonly Failure[] = []): GateVerdict {
  return { kind: 'retry', failure: failureOf('STEP_TIMED_OUT', message, node, causes) };
}

function failed(
  code: 'GATE_CLUSTER_ID' | 'GATE_MEMBERS' | 'GATE_ALARM' | 'GATE_API_SERVER' | 'GATE_HASH',
  message: string,
): GateVerdict {
  return { kind: 'failed', failure: failureOf(code, message) };
}
