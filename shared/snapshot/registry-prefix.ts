/** Keys that every cluster has, under whatever prefix. */
const LANDMARKS = [
  '/namespaces/kube-system',
  '/namespaces/default',
  '/services/specs/default/kubernetes',
  '/ranges/serviceips',
];

/**
 * The etcd prefix under which Kubernetes objects lie, found by what lies there. Where several do
 * (virtual clusters in one etcd), the one with the most keys; empty where there is none.
 */
export function findRegistryPrefix(keys: Iterable<string>): string {
  const all = [...keys];
  const candidates = new Set<string>();
  for (const key of all) {
    for (const landmark of LANDMARKS) {
      if (key.length > landmark.length && key.endsWith(landmark)) {
        candidates.add(key.slice(0, -landmark.length));
      }
    }
  }
  let found = '';
  let most = 0;
  for (const candidate of candidates) {
    const under = `${candidate}/`;
    const count = candidates.size === 1 ? 1 : all.filter((key) => key.startsWith(under)).length;
    if (count > most) [found, most] = [candidate, count];
  }
  return found;
}
