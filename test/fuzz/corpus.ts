import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Entry,
  putRow,
  sealed,
  tombstoneRow,
  writeStore,
} from '@lockstep/shared/snapshot/testing/store-writer.ts';

/** Real snapshots, made by `make-corpus.ts`. */
export const corpusDirectory: string = join(import.meta.dirname, 'corpus');

export interface Seed {
  readonly name: string;
  readonly bytes: Buffer;
  readonly pageSizeBytes: number;
}

const PAGE_BYTES = 4096;

/** What is mutated: real files, and the shapes that etcd on Linux does not write. */
export function readCorpus(): Seed[] {
  const real = readdirSync(corpusDirectory)
    .filter((name) => name.endsWith('.db'))
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(corpusDirectory, name)), pageSizeBytes: PAGE_BYTES }));
  return [...real, ...written()];
}

function written(): Seed[] {
  const key: Entry[] = [];
  for (let main = 2; main < 200; main++) {
    const name = `/registry/pods/a/p${main % 50}`;
    key.push(main % 11 === 0 ? tombstoneRow(main, 0, name) : putRow(main, 0, name, 'v'.repeat(main)));
  }
  const buckets = {
    key,
    meta: [['consistent_index', Buffer.alloc(8, 1)]] as Entry[],
    lease: [],
    members: [['8e9e05c52164694d', '{"name":"a"}']] as Entry[],
  };
  const layouts = [
    ['small-pages', { pageSizeBytes: 1024, entriesPerLeaf: 4, childrenPerBranch: 3, inlineUpTo: 2 }],
    ['large-pages', { pageSizeBytes: 16_384, entriesPerLeaf: 20 }],
    ['free-list', { entriesPerLeaf: 12, freePages: 5, inlineUpTo: 2 }],
  ] as const;
  return layouts.map(([name, layout]) => ({
    name,
    bytes: sealed(writeStore(buckets, layout)),
    pageSizeBytes: 'pageSizeBytes' in layout ? layout.pageSizeBytes : PAGE_BYTES,
  }));
}
