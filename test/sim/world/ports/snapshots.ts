import type { JudgeSeals, PullSnapshot, SnapshotShelf } from '@lockstep/agent/ports.ts';
import { LockstepError, refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { DIRECTORY } from '../disk.ts';
import type { AgentIo } from '../io.ts';

export function simShelf(io: AgentIo): SnapshotShelf {
  const { host, world } = io.node;
  const { disk } = host;
  const { snapshot, plan } = world.planned;
  return {
    find: () => io.read('find snapshot', () => (disk.snapshot.volatile === 0 ? undefined : snapshot)),
    verify: (_id, signal) => {
      signal.throwIfAborted();
      return io.read(
        'verify snapshot',
        () =>
          disk.snapshot.volatile === 1
            ? { facts: plan.snapshot?.facts, refusals: [] }
            : { facts: undefined, refusals: [refusal('SNAPSHOT_CORRUPT', 'it has gone bad')] },
        150,
      );
    },
    remove: async () => {
      await io.effect('remove snapshot', () => disk.change(DIRECTORY.snapshots, [disk.snapshot, 0]));
      await io.sync('remove snapshot', () => disk.sync(DIRECTORY.snapshots));
    },
    removePart: async () => {
      await io.effect('remove part', () => disk.change(DIRECTORY.snapshots, [disk.snapshotPart, 0]));
    },
    hostPathOf: (id) => `/var/lib/lockstep/snapshots/${id}.db`,
  };
}

/** Whether both have sealed it: the signatures themselves are no part of what is simulated. */
export const judgeSealed: JudgeSeals = async (sealed) =>
  sealed?.seals.length === 2 ? [] : [refusal('CARD_UNSEALED', 'not sealed by both')];

/** Brings the snapshot here in three pieces from the first source that answers. */
export function simPull(io: AgentIo): PullSnapshot {
  const { host, world, index } = io.node;
  const { disk } = host;
  return async ({ card }, sources, progress, signal) => {
    const from = await io.read(
      'ask sources',
      () =>
        sources.find(({ node }) => {
          const source = world.nodes.find((each) => each.name === node);
          return (
            source !== undefined &&
            world.agentsReach(index, source.index) &&
            source.host.disk.snapshot.volatile === 1
          );
        }),
      100,
    );
    if (from === undefined) throw new LockstepError('PULL_FAILED', { message: 'no source answered' });
    const size = card.facts?.fileSizeBytes ?? 0n;
    for (const part of [1n, 2n]) {
      signal.throwIfAborted();
      await io.effect(
        'write part',
        () => disk.change(DIRECTORY.snapshots, [disk.snapshotPart, Number(part)]),
        400,
      );
      progress((size * part) / 2n, size);
    }
    await io.effect('name snapshot', () =>
      disk.change(DIRECTORY.snapshots, [disk.snapshotPart, 0], [disk.snapshot, 1]),
    );
    await io.sync('snapshots', () => disk.sync(DIRECTORY.snapshots));
  };
}
