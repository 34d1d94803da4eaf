import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { hostOf, hostOfUrl } from '../left-out.ts';
import type { PlannedNode } from '../plan-input.ts';
import type { Check } from './check.ts';

/**
 * Everyone who uses this etcd is in the plan, or named in it as left out. Who is not would live
 * through the restore with a cache from another time, and write from it.
 */
export const checkClients: Check = ({ planned: nodes, members, leftOut }) => {
  const planned = new Set([...nodes.flatMap(addressesOf), ...leftOut.flatMap(({ hosts }) => hosts)]);
  const seen = new Map<string, Refusal>();
  for (const { node, report } of members) {
    for (const address of report.etcd.apiServerAddresses) {
      if (planned.has(address)) continue;
      const words = `an API server at ${address} uses this etcd (masterleases), and no agent runs there`;
      seen.set(`lease ${address}`, refusal('CLIENT_NOT_PLANNED', words, node));
    }
    for (const peer of report.etcdClients) {
      const address = hostOf(peer);
      if (planned.has(address) || seen.has(`peer ${address}`)) continue;
      const words = `${peer} is connected to the member on ${node}, and no agent of the plan runs there`;
      seen.set(`peer ${address}`, refusal('CLIENT_NOT_PLANNED', words, node));
    }
  }
  for (const { node, report } of nodes) {
    for (const override of report.apiServer?.etcdServersOverrides ?? []) {
      const words = `the API server of ${node} keeps a part elsewhere: --etcd-servers-overrides=${override}`;
      seen.set(`override ${node} ${override}`, refusal('CLIENT_NOT_PLANNED', words, node));
    }
  }
  return [...seen.values()];
};

/** Every address under which a planned node may show itself. */
function addressesOf({ report, address }: PlannedNode): string[] {
  const { etcd, apiServer, advertiseAddress, hostAddresses } = report;
  const urls =
    etcd === undefined
      ? []
      : [...etcd.advertiseClientUrls, ...etcd.initialAdvertisePeerUrls, ...etcd.listenClientUrls];
  return [
    hostOf(address),
    hostOf(advertiseAddress),
    ...hostAddresses,
    ...(apiServer === undefined ? [] : [apiServer.advertiseAddress]),
    ...urls.map(hostOfUrl),
  ].filter((each) => each !== '');
}
