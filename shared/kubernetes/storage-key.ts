/** An etcd key of kube-apiserver, taken apart. */
export interface StorageKey {
  /** Storage prefix without the etcd prefix: "pods", "services/specs", "stable.example.com/crontabs". */
  readonly resource: string;
  /** Empty for what lies in no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** Storage prefixes of two segments that carry no API group. */
const TWO_SEGMENT_PREFIXES = new Set([
  'services/specs',
  'services/endpoints',
  'ranges/serviceips',
  'ranges/servicenodeports',
]);
/** Single keys: the prefix is the whole of it. */
const WITHOUT_NAME = new Set(['ranges/serviceips', 'ranges/servicenodeports', 'health']);

/** Undefined where the key does not lie under the etcd prefix ("/registry"). */
export function parseStorageKey(key: string, registryPrefix: string): StorageKey | undefined {
  if (!key.startsWith(`${registryPrefix}/`)) return undefined;
  const segments = key.slice(registryPrefix.length + 1).split('/');
  const [first = '', second] = segments;
  const firstTwo = second === undefined ? first : `${first}/${second}`;
  // A group of custom (and some built-in) resources is a domain name; no plural has a dot.
  const resourceSegments =
    second !== undefined && (first.includes('.') || TWO_SEGMENT_PREFIXES.has(firstTwo)) ? 2 : 1;
  const resource = segments.slice(0, resourceSegments).join('/');
  const rest = segments.slice(resourceSegments);
  if (WITHOUT_NAME.has(resource)) return { resource, namespace: '', name: rest.join('/') };
  if (rest.length <= 1) return { resource, namespace: '', name: rest[0] ?? '' };
  return { resource, namespace: rest[0] ?? '', name: rest.slice(1).join('/') };
}

/** Resource and API group, as kubectl and the EncryptionConfiguration name them. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** Storage prefixes that are not the resource's own plural. */
const RENAMED: Readonly<Record<string, GroupResource>> = {
  minions: { group: '', resource: 'nodes' },
  controllers: { group: '', resource: 'replicationcontrollers' },
  ingress: { group: 'networking.k8s.io', resource: 'ingresses' },
  podsecuritypolicy: { group: 'policy', resource: 'podsecuritypolicies' },
  'services/specs': { group: '', resource: 'services' },
  'services/endpoints': { group: '', resource: 'endpoints' },
};

/** Built-in resources outside the core group: their storage prefix does not name the group. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  apps: ['controllerrevisions', 'daemonsets', 'deployments', 'replicasets', 'statefulsets'],
  batch: ['cronjobs', 'jobs'],
  autoscaling: ['horizontalpodautoscalers'],
  policy: ['poddisruptionbudgets'],
  'networking.k8s.io': ['ingressclasses', 'ipaddresses', 'networkpolicies', 'servicecidrs'],
  'rbac.authorization.k8s.io': ['clusterrolebindings', 'clusterroles', 'rolebindings', 'roles'],
  'storage.k8s.io': [
    'csidrivers',
    'csinodes',
    'csistoragecapacities',
    'storageclasses',
    'volumeattachments',
    'volumeattributesclasses',
  ],
  'admissionregistration.k8s.io': [
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'validatingwebhookconfigurations',
  ],
  'certificates.k8s.io': ['certificatesigningrequests', 'clustertrustbundles', 'podcertificaterequests'],
  'coordination.k8s.io': ['leasecandidates', 'leases'],
  'discovery.k8s.io': ['endpointslices'],
  'flowcontrol.apiserver.k8s.io': ['flowschemas', 'prioritylevelconfigurations'],
  'node.k8s.io': ['runtimeclasses'],
  'resource.k8s.io': [
    'deviceclasses',
    'devicetaintrules',
    'resourceclaims',
    'resourceclaimtemplates',
    'resourceslices',
  ],
  'scheduling.k8s.io': ['priorityclasses'],
  'internal.apiserver.k8s.io': ['storageversions'],
  'storagemigration.k8s.io': ['storageversionmigrations'],
};

const GROUP_OF = new Map(
  Object.entries(GROUPS).flatMap(([group, resources]) =>
    resources.map((resource) => [resource, group] as const),
  ),
);

/** "minions" -> nodes, "deployments" -> deployments.apps, "stable.example.com/crontabs" -> crontabs of that group. */
export function groupResourceOf(storageResource: string): GroupResource {
  const renamed = RENAMED[storageResource];
  if (renamed !== undefined) return renamed;
  const slash = storageResource.indexOf('/');
  if (slash > 0) {
    return { group: storageResource.slice(0, slash), resource: storageResource.slice(slash + 1) };
  }
  return { group: GROUP_OF.get(storageResource) ?? '', resource: storageResource };
}
