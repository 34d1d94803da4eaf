/**
 * Where an API object lives: the path of a request, and the key kube-apiserver stores it under.
 * Built-in kinds are stored by their plural without the group, with the exceptions below; custom
 * resources, CustomResourceDefinitions and APIServices keep the group in the key.
 */
export interface ResourcePath {
  /** `` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

const STORED_UNDER: Readonly<Record<string, string>> = {
  nodes: 'minions',
  services: 'services/specs',
  endpoints: 'services/endpoints',
  replicationcontrollers: 'controllers',
  'networking.k8s.io/ingresses': 'ingress',
};

const BUILT_IN_GROUPS: ReadonlySet<string> = new Set([
  '',
  'admissionregistration.k8s.io',
  'apps',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);

/** Resources whose objects live in no namespace, although the path may name one (`/api/v1/namespaces/x`). */
const NAMESPACES = 'namespaces';

/** `/api/v1/…` or `/apis/GROUP/VERSION/…`; undefined where the path is neither. */
export function parseResourcePath(pathname: string): ResourcePath | undefined {
  const parts = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  let group: string;
  let rest: string[];
  let version: string | undefined;
  if (parts[0] === 'api') {
    group = '';
    version = parts[1];
    rest = parts.slice(2);
  } else if (parts[0] === 'apis') {
    group = parts[1] ?? '';
    version = parts[2];
    rest = parts.slice(3);
  } else {
    return undefined;
  }
  if (version === undefined || rest[0] === undefined) return undefined;
  const inNamespace =
    rest[0] === NAMESPACES && rest.length >= 3 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const namespace = inNamespace ? rest[1] : undefined;
  const [resource, name, subresource] = inNamespace ? rest.slice(2) : rest;
  if (resource === undefined) return undefined;
  return { group, version, resource, namespace, name, subresource };
}

/** The key prefix of all objects of the resource, with a slash at its end. */
export function resourcePrefix(etcdPrefix: string, path: Pick<ResourcePath, 'group' | 'resource'>): string {
  const qualified = path.group === '' ? path.resource : `${path.group}/${path.resource}`;
  const stored = STORED_UNDER[qualified] ?? (BUILT_IN_GROUPS.has(path.group) ? path.resource : qualified);
  return `${etcdPrefix}/${stored}/`;
}

/** The key of one object, or the prefix of a list, which ends with a slash. */
export function storageKey(etcdPrefix: string, path: ResourcePath): string {
  const prefix = resourcePrefix(etcdPrefix, path);
  const scope = path.namespace === undefined ? prefix : `${prefix}${path.namespace}/`;
  return path.name === undefined ? scope : `${scope}${path.name}`;
}
