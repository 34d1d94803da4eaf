import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';

/** IP addresses under which the planned API servers register themselves in etcd. */
export function apiServerAddresses(plan: RestorePlan): string[] {
  return plan.nodes
    .filter((node) => node.manifests.some((manifest) => manifest.component === 'kube-apiserver'))
    .map((node) => node.apiServerAddress || hostOf(node.address));
}

/** "10.0.0.1" of "10.0.0.1:7443", "::1" of "[::1]:7443". */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
