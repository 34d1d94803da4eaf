import type { EtcdMember } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { LeftOut } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { InspectedNode } from './inspected-node.ts';

export interface LeavingOut {
  /** Names of nodes or members that an operator leaves out. */
  readonly without: readonly string[];
  /** The same, of what is gone for good. Named on both sides counts as this. */
  readonly destroyed: readonly string[];
}

/** Whether an operator named this node, or the member that bears the name. */
export function isLeftOut(name: string, { without, destroyed }: LeavingOut): boolean {
  return without.includes(name) || destroyed.includes(name);
}

/**
 * Who is left out, from what those who stay know of it. A node that is neither known nor a member
 * is not in the answer.
 */
export function leftOutOf(
  asked: LeavingOut,
  known: readonly InspectedNode[],
  members: readonly EtcdMember[],
): LeftOut[] {
  const names = [...new Set([...asked.without, ...asked.destroyed])].sort();
  return names.flatMap((name): LeftOut[] => {
    const node = known.find((each) => each.node === name);
    const member = members.find((each) => each.name === name);
    if (node === undefined && member === undefined) return [];
    const urls = [...(member?.peerUrls ?? []), ...(member?.clientUrls ?? [])];
    const hosts = [hostOf(node?.address ?? ''), ...urls.map(hostOfUrl)].filter((host) => host !== '');
    return [
      {
        node: name,
        address: node?.address ?? '',
        memberId: member?.id ?? '',
        memberName: member?.name ?? '',
        hosts: [...new Set(hosts)].sort(),
        destroyed: asked.destroyed.includes(name),
      },
    ];
  });
}

/** "10.0.0.1:2379" or "[fd00::1]:2379" without the port. */
export function hostOf(address: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(address);
  if (bracketed !== null) return bracketed[1] ?? '';
  return address.replace(/:\d+$/, '');
}

export function hostOfUrl(url: string): string {
  return hostOf(url.replace(/^[a-z]+:\/\//, '').replace(/\/.*$/, ''));
}
