import type { ReadStoreFacts, StoreBuilder } from '@lockstep/agent/ports.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { DIRECTORY } from '../disk.ts';
import type { AgentIo } from '../io.ts';

/** etcdutl: makes the directory, fills it, and does not sync all of it. */
export function simBuilder(io: AgentIo): StoreBuilder {
  const { host, world } = io.node;
  const { disk } = host;
  return {
    async restore(_request, signal) {
      const there = await io.read('target', () => disk.other.volatile !== 0);
      if (there) throw new LockstepError('BUILD_FAILED', { message: 'it is there already' });
      signal.throwIfAborted();
      if (await io.read('snapshot', () => disk.snapshot.volatile !== 1)) {
        throw new LockstepError('BUILD_FAILED', { message: 'the snapshot is not there' });
      }
      await io.effect('etcdutl makes NEW', () => {
        if (disk.stagingDir.volatile === 0) throw new LockstepError('BUILD_FAILED');
        const store = host.newStore('new', 'partial');
        disk.change(DIRECTORY.staging, [disk.other, store.inode]);
      });
      await io.effect(
        'etcdutl fills NEW',
        () => {
          const store = host.stores.get(disk.other.volatile);
          if (store === undefined) throw new LockstepError('BUILD_FAILED');
          store.content = 'complete';
          store.contentSha256 = world.planned.newFacts.contentSha256;
        },
        600,
      );
    },
  };
}

export function simReadStoreFacts(io: AgentIo): ReadStoreFacts {
  const { host, world } = io.node;
  return (_path, _revision, signal) => {
    signal.throwIfAborted();
    return io.read(
      'read NEW whole',
      () => {
        const store = host.stores.get(host.disk.other.volatile);
        if (store === undefined || store.content === 'partial') {
          throw new LockstepError('SNAPSHOT_CORRUPT', { message: 'half a store' });
        }
        return world.planned.newFacts;
      },
      150,
    );
  };
}
