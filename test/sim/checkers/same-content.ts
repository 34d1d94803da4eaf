import { type Invariant, perNode, storeAt } from './invariant.ts';

/** Invariant 6: of every NEW that ever bears the data directory's name. No fault excuses it. */
export const sameContent: Invariant = {
  name: 'same-content',
  promise: 'All members start from the same content, proven on each node’s disk.',
  watch() {
    let inPlace: number[] | undefined;
    let first: { name: string; contentSha256: string } | undefined;
    return (world) => {
      inPlace ??= perNode(world, (node) => node.inPlace.volatile);
      for (const node of world.nodes) {
        if (inPlace[node.index] === node.inPlace.volatile) continue;
        inPlace[node.index] = node.inPlace.volatile;
        const store = storeAt(node, node.inPlace.volatile);
        if (store?.incarnation !== 'new') continue;
        first ??= { name: node.name, contentSha256: store.contentSha256 };
        if (store.contentSha256 === first.contentSha256) continue;
        return `${node.name} starts from ${store.contentSha256}, ${first.name} from ${first.contentSha256}`;
      }
      return undefined;
    };
  },
};
