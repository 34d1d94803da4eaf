import type { PlaceCure } from '../generated/lockstep/v1/plan.ts';

/**
 * Keys under the etcd prefix that say where a cluster runs, not what runs in it: its hosts and the
 * addresses of its API servers. In another place they are wrong, whatever the snapshot says.
 */
export const PLACE_PREFIXES = ['minions/', 'csinodes/', 'leases/kube-node-lease/'] as const;

/** Written anew by each API server, with a lease: those of the snapshot go, nothing takes their place. */
const TRANSIENT_PREFIXES = ['masterleases/'] as const;

/** What kubeadm and every pod read to find the API: kubeadm's own name for each, and the Service's endpoints. */
const PLACE_KEYS = [
  'configmaps/kube-public/cluster-info',
  'configmaps/kube-system/kubeadm-config',
  'configmaps/kube-system/kube-proxy',
  'services/endpoints/default/kubernetes',
  'endpointslices/default/kubernetes',
] as const;

/** Of a plan that carries them; more is no freshly built cluster's. */
export const MAX_CURES_BYTES = 3 * 1024 * 1024;

/** Whether a key (latin1) says where the cluster runs. */
export function describesPlace(key: string, registryPrefix: string): boolean {
  const rest = underPrefix(key, registryPrefix);
  if (rest === undefined) return false;
  return (
    [...PLACE_PREFIXES, ...TRANSIENT_PREFIXES].some((prefix) => rest.startsWith(prefix)) ||
    PLACE_KEYS.some((each) => rest === each)
  );
}

/**
 * What makes a snapshot of another cluster fit the place that it goes into: of the keys that say
 * where a cluster runs, those that the target's own store has are taken from there, and those that
 * only the snapshot has go. Keys are latin1. The same in any order of the keys.
 */
export function placeCures(
  registryPrefix: string,
  snapshotKeys: Iterable<string>,
  live: ReadonlyMap<string, Uint8Array>,
): PlaceCure[] {
  const isTransient = (key: string): boolean =>
    TRANSIENT_PREFIXES.some((prefix) => underPrefix(key, registryPrefix)?.startsWith(prefix) === true);
  const cures = new Map<string, Uint8Array>();
  for (const key of snapshotKeys) {
    if (describesPlace(key, registryPrefix)) cures.set(key, new Uint8Array());
  }
  for (const [key, value] of live) {
    if (describesPlace(key, registryPrefix) && !isTransient(key)) cures.set(key, value);
  }
  return [...cures]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => ({ key: Buffer.from(key, 'latin1'), value: Buffer.from(value) }));
}

function underPrefix(key: string, registryPrefix: string): string | undefined {
  return key.startsWith(`${registryPrefix}/`) ? key.slice(registryPrefix.length + 1) : undefined;
}
