import type { StepPorts } from '@lockstep/agent/executor/step.ts';
import type { Component, Hosting, LocalMember, MemberObservation, Stores } from '@lockstep/agent/ports.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { neverAsked } from '../never-asked.ts';
import {
  CANARY_REVISION,
  COMPACT_REVISION,
  DATA_DIR,
  NEW_CLUSTER,
  NEW_FACTS,
  OLD_CLUSTER,
  OLD_REVISION,
  REPORT,
  type Searched,
} from './plan.ts';
import type { Recorder } from './recorder.ts';
import { changed, inodeInPlace, inodeOfOther, isSynced, sync, synced, type World } from './world.ts';

/** Which incarnations have a member on another node, so that one here makes a quorum of three. */
export interface Peers {
  readonly old: boolean;
  readonly new: boolean;
}

/**
 * What the steps act through, over a world in memory. Each effect of an adapter that a crash can
 * follow is one `act`; what the adapters do in which order is theirs (agent/hosting, agent/adapters).
 * Left out, since no crash after them matters to any invariant: directories, plan.json, UNDO.txt.
 */
export function portsOver(recorder: Recorder, searched: Searched, node: string, peers: Peers): StepPorts {
  return {
    hosting: hostingOver(recorder, peers),
    stores: storesOver(recorder),
    builder: { restore: () => recorder.act((world) => ({ ...world, built: 'half' })) },
    member: memberOver(recorder, searched, node, peers),
    joining: neverAsked,
    membership: neverAsked,
    snapshots: {
      find: async () => ({ card: searched.plan.snapshot }) as never,
      verify: async () => ({ facts: NEW_FACTS, refusals: [] }),
      remove: async () => {},
      removePart: async () => {},
      hostPathOf: () => '/snapshot',
    },
    pull: () => Promise.reject(new LockstepError('PULL_FAILED')),
    judgeSeals: async () => [],
    readStoreFacts: () =>
      recorder.read((world) => {
        if (world.built === 'whole') return searched.built;
        throw new LockstepError('SNAPSHOT_CORRUPT', { message: 'half a store' });
      }),
    clock: recorder.clock,
    describe: async () => REPORT,
  };
}

function hostingOver(recorder: Recorder, peers: Peers): Hosting {
  const proveStopped: Hosting['proveStopped'] = (_plan, _operationId, components) =>
    recorder.read((world) => {
      const running = components.filter((component) => runs(world, component));
      if (world.hold.now && !world.kubelet && running.length === 0) return;
      throw new LockstepError('STOP_UNPROVEN', { message: running.join(', ') });
    });
  return {
    kind: 'static-pod',
    inspect: () => Promise.reject(new Error('nobody inspects here')),
    provenance: () => Promise.reject(new Error('nobody takes a snapshot here')),
    checkEncryption: () => Promise.reject(new Error('nobody asks here')),
    undoText: () => '',
    // Every API server has a member beside it, which is asked instead.
    etcdServes: async () => false,
    prepareHold: async () => {},
    async holdKubelet() {
      await recorder.act((world) => ({ ...world, hold: synced(true) }));
      await recorder.act((world) => ({ ...world, kubelet: false }));
    },
    async releaseKubelet() {
      await recorder.act((world) => ({ ...world, hold: changed(world.hold, false) }));
      await recorder.act((world) => ({ ...world, hold: sync(world.hold) }));
      await recorder.act((world) => ({ ...world, kubelet: !world.hold.now }));
    },
    kubeletState: () =>
      recorder.read(({ hold, kubelet }) => ({ held: hold.now, marked: hold.now, active: kubelet })),
    async parkManifests(_plan, components) {
      for (const component of components) {
        const place = await recorder.read((world) => manifestOf(world, component)?.now);
        if (place === 'live') await recorder.act((world) => moved(world, component, 'parked'));
      }
      await syncManifests(recorder);
    },
    async returnManifest(_plan, component) {
      const place = await recorder.read((world) => manifestOf(world, component)?.now);
      if (place === 'parked') {
        await recorder.act((world) => {
          if (component === 'etcd' && !(isSynced(world.inPlace) && isWhole(world))) {
            recorder.violate('the manifest of etcd returns over data that is not there whole and durably');
          }
          return moved(world, component, 'live');
        });
      }
      await syncManifests(recorder);
    },
    manifestsInPlace: () =>
      recorder.read((world) =>
        (['etcd', 'kube-apiserver'] as const).filter((each) => manifestOf(world, each)?.now === 'live'),
      ),
    async stopComponents(_plan, components) {
      const running = await recorder.read((world) => components.some((each) => runs(world, each)));
      if (!running) return;
      await recorder.act((world) => ({
        ...world,
        etcd: components.includes('etcd') ? 'none' : world.etcd,
        api: components.includes('kube-apiserver') ? false : world.api,
      }));
    },
    proveStopped,
    waitApiReady: (_plan, signal) =>
      recorder.wait((world) => world.api && serves(world, peers), 'API_NOT_READY', signal),
    waitServingPeers: (_member, signal) =>
      recorder.wait((world) => world.etcd !== 'none', 'ETCD_UNREACHABLE', signal),
  };
}

function storesOver(recorder: Recorder): Stores {
  return {
    inodeOf: (path) => recorder.read(path === DATA_DIR ? inodeInPlace : inodeOfOther),
    async exchange({ prove }) {
      await recorder.read((world) => {
        if (world.etcd !== 'none') throw new LockstepError('STORE_LOCKED', { message: 'etcd runs' });
      });
      await prove();
      await recorder.act((world) => {
        if (!mayExchange(world)) recorder.violate('stores are exchanged while something could run on them');
        return { ...world, inPlace: changed(world.inPlace, world.inPlace.now === 'old' ? 'new' : 'old') };
      });
      await recorder.act((world) => ({ ...world, inPlace: sync(world.inPlace) }), true);
      await prove();
    },
    async syncNames() {
      if (await recorder.read((world) => isSynced(world.inPlace))) return;
      await recorder.act((world) => ({ ...world, inPlace: sync(world.inPlace) }));
    },
    adopt: () => recorder.act((world) => ({ ...world, built: 'whole' })),
    makeDirectory: async () => {},
    writeFile: async () => {},
    copyStore: async () => {},
    async removeOwnTree() {
      if (await recorder.read((world) => world.built === 'none')) return;
      await recorder.act((world) => {
        if (world.inPlace.now === 'new' || !isSynced(world.inPlace)) recorder.violate('OLD would be removed');
        return { ...world, built: 'none' };
      });
    },
    freeBytes: async () => 0n,
    realPath: (path) => path,
  };
}

function memberOver(recorder: Recorder, searched: Searched, node: string, peers: Peers): LocalMember {
  const requireServing = (world: World): void => {
    if (!serves(world, peers)) throw new LockstepError('ETCD_UNREACHABLE', { message: 'no quorum' });
  };
  const observation = (world: World): MemberObservation => {
    requireServing(world);
    const isNew = world.etcd === 'new';
    return {
      memberId: searched.members.find((each) => each.name === node)?.id ?? '',
      clusterId: isNew ? NEW_CLUSTER : OLD_CLUSTER,
      revision: isNew ? CANARY_REVISION : OLD_REVISION,
      leader: false,
      learner: false,
      version: '3.6.0',
      dbSizeBytes: 0n,
      raftIndex: 0n,
      members: searched.members.map((each) => ({ ...each, clientUrls: [], learner: false })),
      alarms: [],
    };
  };
  return {
    observe: () => recorder.read(observation),
    hashKv: () =>
      recorder.read((world) => {
        requireServing(world);
        return { hash: 7, compactRevision: COMPACT_REVISION };
      }),
    writeCanary: () =>
      recorder.read((world) => {
        requireServing(world);
        if (world.etcd !== 'new') recorder.violate('the canary is written to OLD');
        return CANARY_REVISION;
      }),
    disarmAlarms: async () => {},
    putCures: async () => {},
    dropStaleMasterLeases: async () => [],
    authEnabled: async () => false,
    getValue: async () => undefined,
    snapshot: () => {
      throw new Error('nobody takes a snapshot here');
    },
    listKeys: () => {
      throw new Error('nobody lists keys here');
    },
  };
}

/** A member of three serves with one other of its incarnation. */
export function serves({ etcd }: World, peers: Peers): boolean {
  return etcd !== 'none' && peers[etcd];
}

export function isWhole({ inPlace, built }: World): boolean {
  return inPlace.now === 'old' || built === 'whole';
}

function runs(world: World, component: Component): boolean {
  if (component === 'etcd') return world.etcd !== 'none';
  return component === 'kube-apiserver' && world.api;
}

function manifestOf(world: World, component: Component): World['etcdManifest'] | undefined {
  if (component === 'etcd') return world.etcdManifest;
  return component === 'kube-apiserver' ? world.apiManifest : undefined;
}

function moved(world: World, component: Component, place: 'live' | 'parked'): World {
  if (component === 'etcd') return { ...world, etcdManifest: changed(world.etcdManifest, place) };
  return { ...world, apiManifest: changed(world.apiManifest, place) };
}

async function syncManifests(recorder: Recorder): Promise<void> {
  const dirty = await recorder.read(
    ({ etcdManifest, apiManifest }) => !(isSynced(etcdManifest) && isSynced(apiManifest)),
  );
  if (!dirty) return;
  await recorder.act((world) => ({
    ...world,
    etcdManifest: sync(world.etcdManifest),
    apiManifest: sync(world.apiManifest),
  }));
}

/** Manifest out and synced before data moves, and nothing left that could start etcd, across loss of power too. */
function mayExchange({ etcd, kubelet, hold, etcdManifest, built }: World): boolean {
  const out = etcdManifest.now === 'parked' && etcdManifest.durable === 'parked';
  return etcd === 'none' && !kubelet && hold.now && hold.durable && out && built === 'whole';
}
