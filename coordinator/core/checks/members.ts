import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { EtcdMember } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { MemberNode } from '../plan-input.ts';
import type { Check } from './check.ts';

/** The members are the planned nodes and those left out, all of them, full members, and everybody agrees on that. */
export const checkMembers: Check = ({ members: nodes, leftOut }) => {
  const found: Refusal[] = [];
  const lists = nodes.filter((node) => node.report.etcd.members.length > 0);
  const [first] = lists;
  if (first === undefined) {
    return nodes.map((node) =>
      refusal(
        'NODE_INSPECTION_FAILED',
        `neither etcd nor its files on ${node.node} say who the members are`,
        node.node,
      ),
    );
  }
  for (const other of lists.slice(1)) {
    if (listText(other) !== listText(first)) {
      const words = `${first.node} lists ${listText(first)}; ${other.node} lists ${listText(other)}`;
      found.push(refusal('MEMBERS_DISAGREE', words, other.node));
    }
  }
  const clusters = new Set(nodes.map((node) => node.report.etcd.clusterId).filter((id) => id !== ''));
  if (clusters.size > 1) {
    const words = nodes.map((node) => `${node.node}: ${node.report.etcd.clusterId}`).join(', ');
    found.push(refusal('MEMBERS_DISAGREE', `the members are of different clusters: ${words}`));
  }
  const everyone = new Map(
    lists.flatMap((node) => node.report.etcd.members.map((each) => [each.id, each] as const)),
  );
  for (const member of everyone.values()) {
    const name = member.name === '' ? member.id : member.name;
    if (member.learner) found.push(refusal('MEMBER_LEARNER', `the member ${name} is a learner`));
    const isKnown =
      nodes.some((node) => isMemberOf(node, member)) ||
      leftOut.some(({ memberId }) => memberId === member.id);
    if (!isKnown) {
      const words = `no agent runs beside the member ${name} (${member.peerUrls.join(', ')})`;
      found.push(refusal('MEMBER_NOT_PLANNED', words));
    }
  }
  for (const node of nodes) {
    if (![...everyone.values()].some((member) => isMemberOf(node, member))) {
      const words = `the etcd on ${node.node} is no member of the cluster`;
      found.push(refusal('MEMBERS_DISAGREE', words, node.node));
    }
  }
  return found;
};

/** By id where the node knows its own, else by name. */
export function isMemberOf(node: MemberNode, member: EtcdMember): boolean {
  const { memberId, name } = node.report.etcd;
  return memberId === '' ? member.name === name : member.id === memberId;
}

function listText(node: MemberNode): string {
  return node.report.etcd.members
    .map((each) => `${each.name}=${[...each.peerUrls].sort().join('+')}`)
    .sort()
    .join(', ');
}
