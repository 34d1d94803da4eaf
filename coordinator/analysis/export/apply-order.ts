import { at, type JsonObject, listOf, textMapOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';

/** What must be there before what: `kubectl apply -R` goes by the names of directories. */
const ORDER: readonly (readonly string[])[] = [
  ['namespaces'],
  ['customresourcedefinitions.apiextensions.k8s.io'],
  [
    'priorityclasses.scheduling.k8s.io',
    'runtimeclasses.node.k8s.io',
    'storageclasses.storage.k8s.io',
    'volumeattributesclasses.storage.k8s.io',
    'csidrivers.storage.k8s.io',
    'ingressclasses.networking.k8s.io',
  ],
  ['serviceaccounts', 'clusterroles.rbac.authorization.k8s.io', 'roles.rbac.authorization.k8s.io'],
  ['clusterrolebindings.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io'],
  ['secrets', 'configmaps'],
  ['limitranges', 'resourcequotas'],
  ['persistentvolumes'],
  ['persistentvolumeclaims'],
  ['services', 'networkpolicies.networking.k8s.io', 'poddisruptionbudgets.policy'],
];
/** Everything that is named nowhere, custom resources among it. */
const MIDDLE = 50;
const LATE: readonly (readonly string[])[] = [
  ['ingresses.networking.k8s.io', 'horizontalpodautoscalers.autoscaling'],
  ['apiservices.apiregistration.k8s.io'],
  // A hook without its backend would refuse what comes after it.
  [
    'mutatingwebhookconfigurations.admissionregistration.k8s.io',
    'validatingwebhookconfigurations.admissionregistration.k8s.io',
    'mutatingadmissionpolicies.admissionregistration.k8s.io',
    'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
    'validatingadmissionpolicies.admissionregistration.k8s.io',
    'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  ],
];
const FIRST_LATE = 80;
const STEP = 2;

const RANKS = new Map([
  ...ORDER.flatMap((resources, index) => resources.map((resource) => [resource, 10 + index * STEP] as const)),
  ...LATE.flatMap((resources, index) => resources.map((resource) => [resource, FIRST_LATE + index] as const)),
]);

/** "10-namespaces", "50-deployments.apps" */
export function orderedDirectory(resource: string): string {
  return `${RANKS.get(resource) ?? MIDDLE}-${resource}`;
}

/** Written by nodes and controllers for themselves: applied again they would say what is not so. */
const RUNTIME = new Set([
  'certificatesigningrequests.certificates.k8s.io',
  'controllerrevisions.apps',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'endpoints',
  'endpointslices.discovery.k8s.io',
  'events',
  'ipaddresses.networking.k8s.io',
  'leases.coordination.k8s.io',
  'leasecandidates.coordination.k8s.io',
  'masterleases',
  'nodes',
  'servicecidrs.networking.k8s.io',
  'storageversions.internal.apiserver.k8s.io',
  'volumeattachments.storage.k8s.io',
]);

/** Why an object is not to be applied again; empty where it is. */
export function notAppliable(resource: string, object: JsonObject): string {
  if (RUNTIME.has(resource) || resource.startsWith('ranges')) return 'made by nodes and controllers';
  const annotations = textMapOf(at(object, 'metadata', 'annotations'));
  const labels = textMapOf(at(object, 'metadata', 'labels'));
  const name = textOf(at(object, 'metadata', 'name'));
  const kind = textOf(object['kind']);
  if (listOf(at(object, 'metadata', 'ownerReferences')).some((owner) => at(owner, 'controller') === true)) {
    return 'made by its controller';
  }
  if (annotations.has('kubernetes.io/config.mirror')) return 'mirror of a static pod';
  if (
    labels.has('kubernetes.io/bootstrapping') ||
    annotations.get('apf.kubernetes.io/autoupdate-spec') === 'true'
  ) {
    return 'made by the API server';
  }
  if (labels.has('kube-aggregator.kubernetes.io/automanaged')) return 'made by the API server';
  if (kind === 'ConfigMap' && name === 'kube-root-ca.crt') return 'made by its controller';
  if (kind === 'Secret' && textOf(object['type']) === 'kubernetes.io/service-account-token') {
    return 'made by its controller';
  }
  return '';
}

/** Fields that a cluster gives: with them an object can be applied to no other. */
const ASSIGNED = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
  'ownerReferences',
]);

/** A copy without them, and without its status. */
export function appliable(object: JsonObject): JsonObject {
  const { status: _status, ...rest } = object;
  const metadata = without(rest['metadata'], (field) => ASSIGNED.has(field));
  const spec = rest['spec'];
  switch (textOf(object['kind'])) {
    case 'Service': {
      // A headless service says so; every other address is the cluster's to give.
      const headless = at(spec, 'clusterIP') === 'None';
      const given = new Set(['clusterIP', 'clusterIPs']);
      const kept = headless ? spec : without(spec, (field) => given.has(field));
      return { ...rest, metadata, ...(kept === undefined ? {} : { spec: kept }) };
    }
    case 'PersistentVolume': {
      const claim = without(at(spec, 'claimRef'), (field) => field === 'uid' || field === 'resourceVersion');
      return {
        ...rest,
        metadata,
        spec: { ...(spec as JsonObject), ...(claim === undefined ? {} : { claimRef: claim }) },
      };
    }
    case 'Pod':
      return { ...rest, metadata, spec: without(spec, (field) => field === 'nodeName') };
    case 'Job':
      return { ...rest, metadata: withoutControllerUid(metadata), spec: jobSpec(spec) };
    case 'Namespace':
      // Its finalizers are set through a subresource alone.
      return { apiVersion: rest['apiVersion'], kind: rest['kind'], metadata };
    default:
      return { ...rest, metadata };
  }
}

const CONTROLLER_UIDS = new Set(['controller-uid', 'batch.kubernetes.io/controller-uid']);

/** The selector and labels that the job's controller made from its uid. */
function jobSpec(spec: unknown): unknown {
  if (at(spec, 'manualSelector') === true) return spec;
  const template = at(spec, 'template');
  if (template === undefined) return without(spec, (field) => field === 'selector');
  return {
    ...without(spec, (field) => field === 'selector'),
    template: {
      ...(template as JsonObject),
      metadata: withoutControllerUid(at(template, 'metadata') as JsonObject | undefined),
    },
  };
}

function withoutControllerUid(metadata: JsonObject | undefined): JsonObject | undefined {
  const labels = at(metadata, 'labels');
  if (labels === undefined) return metadata;
  return { ...metadata, labels: without(labels, (label) => CONTROLLER_UIDS.has(label)) };
}

function without(value: unknown, drop: (field: string) => boolean): JsonObject | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([field]) => !drop(field)));
}
