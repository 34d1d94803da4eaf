import { type ClusterOptions, cluster, namespace } from '../demo/baseline/cluster.ts';
import { customResource, definition } from '../demo/baseline/custom-resources.ts';
import type { Entry } from '../demo/baseline/entry.ts';
import { Random } from '../demo/baseline/random.ts';
import { workloads } from '../demo/baseline/workloads.ts';

const SEED = 20_261_122;
const WORKERS = ['worker-01', 'worker-02', 'worker-03', 'worker-04'] as const satisfies readonly [
  string,
  ...string[],
];
const SIZES = { deployments: 6, podsPerDeployment: 6, configMaps: 16, secrets: 6, events: 40, jobs: 2 };
const CUSTOM_RESOURCES = 4;

export type ClusterDataOptions = Pick<ClusterOptions, 'caPem' | 'controlPlane' | 'kubernetesVersion'>;

/**
 * A Kubernetes cluster's objects as API servers store them, without an end: team after team, the
 * same on every run. Pods, events, config maps, secrets (random bytes: they hardly compress).
 */
export function* clusterData(options: ClusterDataOptions): Generator<Entry> {
  const random = new Random(SEED);
  yield* cluster(random, { ...options, workers: WORKERS });
  yield definition(random);
  yield* namespace(random, 'kube-system', options.caPem);
  for (let team = 1; ; team += 1) {
    const name = `team-${String(team).padStart(5, '0')}`;
    yield* namespace(random, name, options.caPem);
    yield* workloads(random, { namespace: name, workers: WORKERS, sizes: SIZES });
    for (let index = 0; index < CUSTOM_RESOURCES; index += 1) yield customResource(random, name, index);
  }
}
