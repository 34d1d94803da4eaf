import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { hostOf, hostOfUrl } from '../left-out.ts';
import type { CheckInput } from '../plan-input.ts';
import { majorityOf } from '../quorum.ts';
import type { Check } from './check.ts';

/** Who is left out is known, away, too few to serve OLD, and cannot reach NEW. */
export const checkLeftOut: Check = (input) => [
  ...unknown(input),
  ...alive(input),
  ...quorum(input),
  ...reachingNew(input),
];

function unknown({ asked, leftOut }: CheckInput): Refusal[] {
  return [...asked.without, ...asked.destroyed].flatMap((name) =>
    leftOut.some(({ node }) => node === name)
      ? []
      : [refusal('LEFT_OUT_UNKNOWN', `no node and no member is called ${name}`, name)],
  );
}

/** Nobody stops what is left out: only what does not run may be. */
function alive({ leftOut, leftOutNodes }: CheckInput): Refusal[] {
  return leftOutNodes.flatMap(({ node, report, address }): Refusal[] => {
    if (report === undefined) return [];
    const destroyed = leftOut.some((each) => each.node === node && each.destroyed);
    if (destroyed) {
      const words = `the agent of ${node} answers at ${address}: it is not gone`;
      return [refusal('LEFT_OUT_ALIVE', words, node)];
    }
    if (report.setAsideOperationId !== '') return [];
    return [refusal('LEFT_OUT_ALIVE', `the agent of ${node} answers at ${address}`, node)];
  });
}

/** What is gone for good forms no quorum; a second person has answered for that. */
function quorum({ leftOut, voters }: CheckInput): Refusal[] {
  const away = leftOut.filter(({ memberId, destroyed }) => memberId !== '' && !destroyed);
  const needed = majorityOf(voters.length);
  if (voters.length === 0 || away.length < needed) return [];
  const names = away.map(({ node }) => node).join(', ');
  const words = `${names} are ${away.length} of the ${voters.length} members of OLD; ${needed} of them can serve it`;
  return [refusal('LEFT_OUT_QUORUM', words)];
}

/**
 * kubeadm's API servers ask the member beside them and no other. Where one of them is told of
 * more, those that are left out are too, and would write to NEW out of OLD's time.
 */
function reachingNew({ leftOut, planned }: CheckInput): Refusal[] {
  if (leftOut.length === 0) return [];
  return planned.flatMap(({ node, address, report }): Refusal[] => {
    const own =
      report.etcd === undefined ? [] : [hostOf(address), ...report.etcd.listenClientUrls.map(hostOfUrl)];
    const foreign = (report.apiServer?.etcdServers ?? []).filter((url) => {
      const host = hostOfUrl(url);
      return !isLoopback(host) && !own.includes(host);
    });
    if (foreign.length === 0) return [];
    const words = `the API server of ${node} is told of members on other nodes: ${foreign.join(', ')}`;
    return [refusal('LEFT_OUT_REACHES_NEW', words, node)];
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
