import { at, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import type { ApiAnswer, InsideClient } from './api-client.ts';
import { joinedObjects } from './joined-objects.ts';
import type { NodeManifests } from './static-pods.ts';

/** What became of one object that was to be joined. */
export interface Joined {
  /** "pods kube-system/etcd-cp1" */
  readonly place: string;
  /** The API server's own words, or what is wrong with the file; left out where it was joined. */
  readonly refused?: string;
}

/** Static pods out of evidence, created beside the snapshot's objects. Rejects where the API server does not answer. */
export async function joinStaticPods(
  client: InsideClient,
  nodes: readonly NodeManifests[],
  signal: AbortSignal,
): Promise<Joined[]> {
  const stored = new Set<string>();
  for (const { node, manifests } of nodes) {
    for (const { pod } of manifests.filter((each) => each.pod !== '')) {
      const [namespace = '', name = ''] = `${pod}-${node}`.split('/').map(encodeURIComponent);
      const { status } = await client.ask('GET', `/api/v1/namespaces/${namespace}/pods/${name}`, signal);
      if (status === 200) stored.add(`${pod}-${node}`);
    }
  }
  const joined: Joined[] = [];
  const { objects, leftOut } = joinedObjects(nodes, (pod) => stored.has(pod));
  for (const { path, place, object } of objects) {
    const answer = await client.ask('POST', path, signal, object);
    joined.push(answer.status === 201 ? { place } : { place, refused: wordsOf(answer) });
  }
  return [...joined, ...leftOut.map(({ place, why }) => ({ place, refused: why }))];
}

function wordsOf({ status, text }: ApiAnswer): string {
  try {
    return textOf(at(JSON.parse(text), 'message')) || `status ${status}`;
  } catch {
    return `status ${status}`;
  }
}
