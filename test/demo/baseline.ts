import { sha256Hex } from '@lockstep/shared/digest.ts';
import type { EtcdStore } from '../lab/api-server/store.ts';
import { type ClusterOptions, cluster, namespace } from './baseline/cluster.ts';
import { customResource, definition } from './baseline/custom-resources.ts';
import type { Entry } from './baseline/entry.ts';
import { Random } from './baseline/random.ts';
import { workloads } from './baseline/workloads.ts';

export interface BaselineOptions
  extends Pick<ClusterOptions, 'caPem' | 'controlPlane' | 'kubernetesVersion'> {
  /** The same seed makes the same bytes, but for the CA and the addresses. */
  readonly seed: number;
}

/** Digests (SHA-256) of what was loaded, by key: what must be there, byte for byte, after a restore. */
export type Digests = ReadonlyMap<string, string>;

const SYSTEM_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
const TEAMS = 32;
const SIZES = { deployments: 6, podsPerDeployment: 2, configMaps: 16, secrets: 6, events: 12, jobs: 2 };
const CUSTOM_RESOURCES = 4;
const WORKERS = [
  'worker-01',
  'worker-02',
  'worker-03',
  'worker-04',
  'worker-05',
  'worker-06',
  'worker-07',
  'worker-08',
] as const satisfies readonly [string, ...string[]];

/** A transaction stays below etcd's default limits of 128 operations and 1.5 MiB. */
const MAX_OPERATIONS = 120;
const MAX_TRANSACTION_BYTES = 1_000_000;
const WRITERS = 4;

/** A cluster of some teams: more than 2,000 objects and 20 MB. The lab's own nodes are not in it: their kubelets register them. */
export function* baseline(options: BaselineOptions): Generator<Entry> {
  const random = new Random(options.seed);
  const { caPem, controlPlane, kubernetesVersion } = options;
  yield* cluster(random, { caPem, controlPlane, workers: WORKERS, kubernetesVersion });
  yield definition(random);
  for (const name of SYSTEM_NAMESPACES) yield* namespace(random, name, caPem);
  for (let team = 1; team <= TEAMS; team += 1) {
    const name = `team-${String(team).padStart(2, '0')}`;
    yield* namespace(random, name, caPem);
    yield* workloads(random, { namespace: name, workers: WORKERS, sizes: SIZES });
    for (let index = 0; index < CUSTOM_RESOURCES; index += 1) yield customResource(random, name, index);
  }
}

/** Writes the entries straight into etcd, in transactions side by side. */
export async function load(
  store: EtcdStore,
  entries: Iterable<Entry>,
): Promise<{ digests: Digests; bytes: number }> {
  const digests = new Map<string, string>();
  let bytes = 0;
  const batches = batched(entries, (entry) => {
    digests.set(entry.key, sha256Hex(entry.value));
    bytes += entry.value.length;
  });
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (const batch of batches) await store.putAll(batch);
    }),
  );
  return { digests, bytes };
}

function* batched(entries: Iterable<Entry>, onEntry: (entry: Entry) => void): Generator<Entry[]> {
  let batch: Entry[] = [];
  let batchBytes = 0;
  for (const entry of entries) {
    onEntry(entry);
    if (batch.length === MAX_OPERATIONS || batchBytes + entry.value.length > MAX_TRANSACTION_BYTES) {
      yield batch;
      batch = [];
      batchBytes = 0;
    }
    batch.push(entry);
    batchBytes += entry.value.length;
  }
  if (batch.length > 0) yield batch;
}
