import type { Collector } from '../collector.ts';
import { takeTree } from '../take.ts';

/**
 * The store's own files. The log is taken as it is, also from under a member that runs: it only
 * grows, and it holds what the database has compacted away. The database of a member that runs is
 * not: torn pages are no evidence, and a snapshot is one.
 */
export const store: Collector = {
  name: 'store',
  about: 'etcd’s log, its database where the member is stopped, and which snapshots this node holds',
  when: 'asked',
  async *collect({ sources, budget, signal }) {
    const { tree, member, snapshots } = sources;
    const { directories, running } = await member(signal);
    const database = /\/snap\/db$/u;
    for (const directory of directories) {
      const wants = (path: string): boolean => !running || !database.test(path);
      yield* takeTree({ tree, budget, signal, wants }, directory);
    }
    yield {
      is: 'account',
      name: 'store.json',
      content: { directories, memberRuns: running, snapshots: await snapshots() },
    };
  },
};
