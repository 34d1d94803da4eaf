import { groupResourceOf, parseStorageKey } from '@lockstep/shared/kubernetes/storage-key.ts';

/** Where an object lies, in the words that kubectl uses. */
export interface ObjectPlace {
  /** "pods", "deployments.apps", "crontabs.stable.example.com"; empty where the key is none of an object. */
  readonly resource: string;
  /** Empty for what lies in no namespace. */
  readonly namespace: string;
  /** The whole key where `resource` is empty. */
  readonly name: string;
}

/** Takes a key (latin1) apart. */
export function placeOf(key: string, registryPrefix: string): ObjectPlace {
  const parsed = parseStorageKey(key, registryPrefix);
  if (parsed === undefined) return { resource: '', namespace: '', name: utf8(key) };
  return {
    resource: utf8(resourceName(parsed.resource)),
    namespace: utf8(parsed.namespace),
    name: utf8(parsed.name),
  };
}

/** "minions" -> "nodes", "deployments" -> "deployments.apps". */
export function resourceName(storageResource: string): string {
  const { group, resource } = groupResourceOf(storageResource);
  return group === '' ? resource : `${resource}.${group}`;
}

/** "pods kube-system/etcd-cp1", "nodes cp1"; the key alone where it is none of an object. */
export function placeText({ resource, namespace, name }: ObjectPlace): string {
  const where = namespace === '' ? name : `${namespace}/${name}`;
  return resource === '' ? where : `${resource} ${where}`;
}

/** kubectl's short names, and no others. */
const SHORT: Readonly<Record<string, string>> = {
  cm: 'configmaps',
  cj: 'cronjobs',
  crd: 'customresourcedefinitions',
  csr: 'certificatesigningrequests',
  deploy: 'deployments',
  ds: 'daemonsets',
  ep: 'endpoints',
  ev: 'events',
  hpa: 'horizontalpodautoscalers',
  ing: 'ingresses',
  limits: 'limitranges',
  netpol: 'networkpolicies',
  no: 'nodes',
  ns: 'namespaces',
  pc: 'priorityclasses',
  pdb: 'poddisruptionbudgets',
  po: 'pods',
  pv: 'persistentvolumes',
  pvc: 'persistentvolumeclaims',
  quota: 'resourcequotas',
  rc: 'replicationcontrollers',
  rs: 'replicasets',
  sa: 'serviceaccounts',
  sc: 'storageclasses',
  sts: 'statefulsets',
  svc: 'services',
};

/**
 * Whether a resource is the one that a person asked for: its plural, its singular or kubectl's
 * short name, with the group or without.
 */
export function resourceMatcher(asked: string): (resource: string) => boolean {
  const wanted = asked.toLowerCase();
  const dot = wanted.indexOf('.');
  const plain = dot < 0 ? wanted : wanted.slice(0, dot);
  const group = dot < 0 ? undefined : wanted.slice(dot + 1);
  const plurals = new Set([SHORT[plain] ?? plain, ...pluralsOf(plain)]);
  return (resource) => {
    const at = resource.indexOf('.');
    const own = at < 0 ? '' : resource.slice(at + 1);
    return plurals.has(at < 0 ? resource : resource.slice(0, at)) && (group === undefined || group === own);
  };
}

function pluralsOf(singular: string): string[] {
  return [`${singular}s`, `${singular}es`, singular.replace(/y$/u, 'ies')];
}

/** Keys and names are read as latin1, one character per byte; people read UTF-8. */
export function utf8(latin1: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\0-\x7f]*$/u.test(latin1) ? latin1 : Buffer.from(latin1, 'latin1').toString('utf8');
}
