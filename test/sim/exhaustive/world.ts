import { NEW_INODE, OLD_INODE } from './plan.ts';

/** Something on disk: as it looks, and as it would look after a loss of power. */
export interface OnDisk<Value> {
  readonly now: Value;
  readonly durable: Value;
}

export type Place = 'live' | 'parked';
export type Store = 'old' | 'new';

/** Everything of a node that is not its agent: what runs, what lies where, and what of it is synced. */
export interface World {
  /** The file that keeps kubelet from starting. */
  readonly hold: OnDisk<boolean>;
  readonly kubelet: boolean;
  readonly etcdManifest: OnDisk<Place>;
  readonly apiManifest: OnDisk<Place>;
  /** Which store bears the data directory's name. */
  readonly inPlace: OnDisk<Store>;
  /** `half`: etcdutl has begun to write it, or nobody has synced it. */
  readonly built: 'none' | 'half' | 'whole';
  /** The store that the running etcd has open. */
  readonly etcd: 'none' | Store;
  /** The API server's process, whether or not it finds an etcd. */
  readonly api: boolean;
}

const synced = <Value>(value: Value): OnDisk<Value> => ({ now: value, durable: value });

export const OLD_SERVES: World = {
  hold: synced(false),
  kubelet: true,
  etcdManifest: synced<Place>('live'),
  apiManifest: synced<Place>('live'),
  inPlace: synced<Store>('old'),
  built: 'none',
  etcd: 'old',
  api: true,
};

export function isSynced<Value>({ now, durable }: OnDisk<Value>): boolean {
  return now === durable;
}

/** Changed, and not synced. */
export function changed<Value>(disk: OnDisk<Value>, now: Value): OnDisk<Value> {
  return { now, durable: disk.durable };
}

/** What was changed is made durable. */
export function sync<Value>({ now }: OnDisk<Value>): OnDisk<Value> {
  return { now, durable: now };
}

export { synced };

/** The directory that bears the data directory's name always exists: an exchange leaves no gap. */
export function inodeInPlace({ inPlace }: World): { device: bigint; number: bigint } {
  return inPlace.now === 'old' ? OLD_INODE : NEW_INODE;
}

export function inodeOfOther({ inPlace, built }: World): { device: bigint; number: bigint } | undefined {
  if (inPlace.now === 'new') return OLD_INODE;
  return built === 'none' ? undefined : NEW_INODE;
}

/** What kubelet does by itself, one thing at a time. It starts what lies in its directory, and stops what lay there. */
export type KubeletAct = 'start-etcd' | 'start-api' | 'stop-etcd' | 'stop-api';

export function kubeletActs(world: World): KubeletAct[] {
  if (!world.kubelet) return [];
  const acts: KubeletAct[] = [];
  if (world.etcdManifest.now === 'live' && world.etcd === 'none') acts.push('start-etcd');
  if (world.apiManifest.now === 'live' && !world.api) acts.push('start-api');
  if (world.etcdManifest.now === 'parked' && world.etcd !== 'none') acts.push('stop-etcd');
  if (world.apiManifest.now === 'parked' && world.api) acts.push('stop-api');
  return acts;
}

export function afterKubelet(world: World, act: KubeletAct): World {
  switch (act) {
    case 'start-etcd':
      return { ...world, etcd: world.inPlace.now };
    case 'start-api':
      return { ...world, api: true };
    case 'stop-etcd':
      return { ...world, etcd: 'none' };
    case 'stop-api':
      return { ...world, api: false };
    default:
      return act satisfies never;
  }
}

/**
 * Every world that a loss of power may leave: no process, and of each change that was not synced
 * either the old or the new, each by itself. Kubelet starts again unless it is held.
 */
export function afterPowerLoss(world: World): World[] {
  const fates = <Value>(disk: OnDisk<Value>): OnDisk<Value>[] =>
    isSynced(disk) ? [disk] : [synced(disk.now), synced(disk.durable)];
  const worlds: World[] = [];
  for (const hold of fates(world.hold))
    for (const etcdManifest of fates(world.etcdManifest))
      for (const apiManifest of fates(world.apiManifest))
        for (const inPlace of fates(world.inPlace))
          worlds.push({
            hold,
            etcdManifest,
            apiManifest,
            inPlace,
            built: world.built,
            kubelet: !hold.now,
            etcd: 'none',
            api: false,
          });
  return worlds;
}

export function worldKey(world: World): string {
  const disk = ({ now, durable }: OnDisk<unknown>): string =>
    now === durable ? String(now) : `${String(now)}!${String(durable)}`;
  return [
    disk(world.hold),
    world.kubelet ? 'K' : '-',
    disk(world.etcdManifest),
    disk(world.apiManifest),
    disk(world.inPlace),
    world.built,
    world.etcd,
    world.api ? 'A' : '-',
  ].join(' ');
}
