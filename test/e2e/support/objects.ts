import { cluster, namespace } from '../../demo/baseline/cluster.ts';
import { Random } from '../../demo/baseline/random.ts';
import { load } from '../../demo/baseline.ts';
import { clusterCa, etcdStore } from '../../demo/lab-access.ts';
import type { Lab } from '../../lab/lab.ts';

const SEED = 7;

/** The objects of a small cluster with the lab's own CA, stored as kube-apiserver stores them. */
export async function loadObjects(lab: Lab): Promise<void> {
  const random = new Random(SEED);
  const caPem = await clusterCa(lab);
  const controlPlane = lab.nodes.map(({ name, address }) => ({ name, address }));
  using store = etcdStore(lab);
  await load(
    store,
    (function* entries() {
      yield* cluster(random, { caPem, controlPlane, workers: ['worker-01'], kubernetesVersion: 'v1.34.1' });
      for (const name of ['default', 'kube-system']) yield* namespace(random, name, caPem);
    })(),
  );
}
