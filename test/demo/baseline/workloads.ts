import type { Container, PodSpec } from '@lockstep/shared/generated/kubernetes/core/v1/core.ts';
import type { DeepPartial, ObjectMeta } from '@lockstep/shared/generated/kubernetes/meta/v1/meta.ts';
import { builtIn, type Entry, objectMeta } from './entry.ts';
import type { Random } from './random.ts';

/** What one team's namespace holds. */
export interface NamespaceSizes {
  readonly deployments: number;
  readonly podsPerDeployment: number;
  readonly configMaps: number;
  readonly secrets: number;
  readonly events: number;
  readonly jobs: number;
}

export interface WorkloadOptions {
  readonly namespace: string;
  /** Nodes of other machines than the lab's: no kubelet here runs these pods. */
  readonly workers: readonly [string, ...string[]];
  readonly sizes: NamespaceSizes;
}

const APPS = 'apps/v1';
const COMPONENTS = ['api', 'worker', 'web', 'cache', 'gateway', 'scheduler', 'mailer', 'search'] as const;

export function* workloads(random: Random, options: WorkloadOptions): Generator<Entry> {
  const { namespace, sizes } = options;
  for (let index = 0; index < sizes.deployments; index += 1) yield* deployment(random, options, index);
  for (let index = 0; index < sizes.configMaps; index += 1) yield configMap(random, namespace, index);
  for (let index = 0; index < sizes.secrets; index += 1) yield secret(random, namespace, index);
  for (let index = 0; index < sizes.events; index += 1) yield event(random, options);
  for (let index = 0; index < sizes.jobs; index += 1) yield job(random, namespace, index);
  yield* access(random, namespace);
}

/** A deployment with its replica set, pods, service and endpoints, each owned as the controllers leave them. */
function* deployment(random: Random, options: WorkloadOptions, index: number): Generator<Entry> {
  const { namespace, workers, sizes } = options;
  const name = `${COMPONENTS[index % COMPONENTS.length] ?? 'api'}-${index}`;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': namespace };
  const hash = random.hex(10);
  const template = podSpec(random, name, '');
  const owner = objectMeta(random, {
    name,
    namespace,
    labels,
    apiVersion: APPS,
    annotations: { 'deployment.kubernetes.io/revision': '1' },
  });
  const replicas = sizes.podsPerDeployment;
  const selector = { matchLabels: labels };
  const podTemplate = { metadata: { labels }, spec: template };
  yield builtIn('Deployment', owner, {
    spec: {
      replicas,
      selector,
      template: podTemplate,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {
      observedGeneration: 1n,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    },
  });
  const set = objectMeta(random, {
    name: `${name}-${hash}`,
    namespace,
    labels: { ...labels, 'pod-template-hash': hash },
    owner: { kind: 'Deployment', apiVersion: APPS, metadata: owner },
    manager: 'kube-controller-manager',
    apiVersion: APPS,
  });
  yield builtIn('ReplicaSet', set, {
    spec: { replicas, selector, template: podTemplate },
    status: {
      replicas,
      fullyLabeledReplicas: replicas,
      observedGeneration: 1n,
      readyReplicas: replicas,
      availableReplicas: replicas,
    },
  });
  const addresses: { ip: string; nodeName: string }[] = [];
  for (let pod = 0; pod < replicas; pod += 1) {
    const nodeName = random.pick(workers);
    const ip = `10.244.${random.integer(0, 255)}.${random.integer(1, 254)}`;
    addresses.push({ ip, nodeName });
    yield runningPod(random, {
      metadata: objectMeta(random, {
        name: `${name}-${hash}-${random.suffix()}`,
        namespace,
        labels: { ...labels, 'pod-template-hash': hash },
        owner: { kind: 'ReplicaSet', apiVersion: APPS, metadata: set },
        manager: 'kube-controller-manager',
      }),
      spec: { ...template, nodeName },
      ip,
    });
  }
  yield builtIn('Service', objectMeta(random, { name, namespace, labels }), {
    spec: {
      type: 'ClusterIP',
      clusterIP: `10.96.${random.integer(0, 255)}.${random.integer(1, 254)}`,
      selector: labels,
      sessionAffinity: 'None',
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: { type: 0n, intVal: 8080 } }],
    },
  });
  yield builtIn(
    'Endpoints',
    objectMeta(random, { name, namespace, labels, manager: 'kube-controller-manager' }),
    {
      subsets: [{ addresses, ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] }],
    },
  );
}

function podSpec(random: Random, name: string, nodeName: string): DeepPartial<PodSpec> {
  const container: DeepPartial<Container> = {
    name: 'main',
    image: `registry.internal.example/${name}:v${random.integer(1, 40)}.${random.integer(0, 9)}`,
    args: ['--config=/etc/app/config.toml', `--shards=${random.integer(1, 32)}`],
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: Array.from({ length: random.integer(8, 20) }, (_, index) => ({
      name: `SETTING_${index}`,
      value: random.configuration(random.integer(20, 120)),
    })),
    resources: {
      requests: { cpu: { string: `${random.integer(1, 20) * 50}m` }, memory: { string: '256Mi' } },
      limits: { memory: { string: '1Gi' } },
    },
    volumeMounts: [{ name: 'config', mountPath: '/etc/app', readOnly: true }],
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  };
  return {
    nodeName,
    containers: [container],
    volumes: [
      {
        name: 'config',
        volumeSource: { configMap: { localObjectReference: { name: 'config-0' }, defaultMode: 0o644 } },
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30n,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    serviceAccount: 'default',
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
    tolerations: [
      {
        key: 'node.kubernetes.io/not-ready',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300n,
      },
    ],
  };
}

function runningPod(
  random: Random,
  pod: { readonly metadata: ObjectMeta; readonly spec: DeepPartial<PodSpec>; readonly ip: string },
): Entry {
  const startTime = pod.metadata.creationTimestamp ?? { seconds: 0n, nanos: 0 };
  return builtIn('Pod', pod.metadata, {
    spec: pod.spec,
    status: {
      phase: 'Running',
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: startTime,
      })),
      hostIP: `10.0.1.${random.integer(1, 254)}`,
      podIP: pod.ip,
      podIPs: [{ ip: pod.ip }],
      startTime,
      containerStatuses: [
        {
          name: 'main',
          ready: true,
          started: true,
          restartCount: random.integer(0, 3),
          image: 'registry.internal.example/app',
          imageID: `registry.internal.example/app@sha256:${random.hex(64)}`,
          containerID: `containerd://${random.hex(64)}`,
          state: { running: { startedAt: startTime } },
        },
      ],
      qosClass: 'Burstable',
    },
  });
}

function configMap(random: Random, namespace: string, index: number): Entry {
  const data: Record<string, string> = {};
  for (let file = 0; file < random.integer(1, 4); file += 1) {
    data[`part-${file}.toml`] = random.configuration(random.integer(6_000, 30_000));
  }
  return builtIn('ConfigMap', objectMeta(random, { name: `config-${index}`, namespace }), { data });
}

function secret(random: Random, namespace: string, index: number): Entry {
  return builtIn('Secret', objectMeta(random, { name: `credentials-${index}`, namespace }), {
    type: 'Opaque',
    data: {
      username: Buffer.from(`user-${random.hex(8)}`),
      password: Buffer.from(random.hex(40)),
      'client.key': random.bytes(random.integer(1_000, 3_000)),
    },
  });
}

function event(random: Random, options: WorkloadOptions): Entry {
  const pod = `${random.pick(COMPONENTS)}-${random.hex(10)}-${random.suffix()}`;
  const metadata = objectMeta(random, {
    name: `${pod}.${random.hex(16)}`,
    namespace: options.namespace,
    manager: 'kubelet',
  });
  const time = metadata.creationTimestamp;
  const host = random.pick(options.workers);
  return builtIn('Event', metadata, {
    involvedObject: {
      kind: 'Pod',
      namespace: options.namespace,
      name: pod,
      uid: random.uuid(),
      apiVersion: 'v1',
    },
    reason: random.pick(['Pulled', 'Created', 'Started', 'Scheduled', 'Unhealthy', 'BackOff']),
    message: `Container image already present on machine: ${random.hex(24)}`,
    source: { component: 'kubelet', host },
    firstTimestamp: time,
    lastTimestamp: time,
    count: random.integer(1, 40),
    type: 'Normal',
    reportingComponent: 'kubelet',
    reportingInstance: host,
  });
}

function job(random: Random, namespace: string, index: number): Entry {
  const metadata = objectMeta(random, { name: `migrate-${index}`, namespace, apiVersion: 'batch/v1' });
  const labels = { 'batch.kubernetes.io/job-name': metadata.name };
  return builtIn('Job', metadata, {
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...podSpec(random, 'migrate', ''), restartPolicy: 'Never' } },
    },
    status: {
      startTime: metadata.creationTimestamp,
      completionTime: metadata.creationTimestamp,
      succeeded: 1,
    },
  });
}

function* access(random: Random, namespace: string): Generator<Entry> {
  const role = objectMeta(random, {
    name: 'deployer',
    namespace,
    apiVersion: 'rbac.authorization.k8s.io/v1',
  });
  yield builtIn('ServiceAccount', objectMeta(random, { name: 'deployer', namespace }), {});
  yield builtIn('Role', role, {
    rules: [
      { verbs: ['get', 'list', 'watch', 'patch'], apiGroups: ['apps'], resources: ['deployments'] },
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] },
    ],
  });
  yield builtIn('RoleBinding', objectMeta(random, { name: 'deployer', namespace }), {
    subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'deployer' },
  });
}
