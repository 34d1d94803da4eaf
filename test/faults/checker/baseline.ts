import { type CheckedLab, hostPaths, MANIFESTS } from './checked-lab.ts';
import { hashAt, statusOf } from './members.ts';
import { inodeOf, readStore, type StoreFiles } from './stores.ts';

/** A cluster as it was before an operation: what OLD is, from then on. */
export interface Baseline {
  readonly clusterId: string;
  /** Pinned: what was there up to it is OLD's content for good. */
  readonly revision: bigint;
  readonly hash: string;
  readonly nodes: ReadonlyMap<
    string,
    { readonly store: StoreFiles; readonly manifests: ReadonlyMap<string, string> }
  >;
}

/** Rejects where a member does not answer: a checker needs a sound cluster to begin with. */
export async function observeBaseline(lab: CheckedLab): Promise<Baseline> {
  const statuses = await Promise.all(lab.nodes.map((node) => statusOf(lab, node)));
  const revision = statuses
    .map((status) => status.revision)
    .reduce((least, next) => (next < least ? next : least));
  const hashes = await Promise.all(lab.nodes.map((node) => hashAt(lab, node, revision)));
  const [first] = statuses;
  const [hash] = hashes;
  if (first === undefined || hash === undefined || hashes.some((other) => other !== hash)) {
    throw new Error(`the cluster is not sound to begin with: hashes ${hashes.join(', ')} at ${revision}`);
  }
  return {
    clusterId: first.clusterId,
    revision,
    hash,
    nodes: new Map(
      lab.nodes.map((node) => {
        const store = readStore(node.path(hostPaths.dataDir));
        if (store === undefined) throw new Error(`${node.name} has no store to begin with`);
        const manifests = new Map(
          MANIFESTS.map((name) => [name, inodeOf(node.path(`${hostPaths.manifests}/${name}`)) ?? '']),
        );
        return [node.name, { store, manifests }];
      }),
    ),
  };
}
