import { EtcdMemberPlan, NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, test } from 'vitest';

import type { UnitState } from '../../adapters/systemd.ts';
import type { Component } from '../../ports.ts';
import { SystemdHosting, type SystemdParts } from './hosting.ts';

const ALL: readonly Component[] = ['etcd', 'kube-apiserver', 'kube-scheduler'];
const PARKED = '/etc/kubernetes/lockstep/op-1';
const HOLD = '/etc/lockstep/etcd.hold';
const never = new AbortController().signal;
const STOPPED: UnitState = {
  activeState: 'inactive',
  mainPid: 0,
  loadState: 'loaded',
  needDaemonReload: false,
  dropInPaths: [],
};
const RUNNING: UnitState = { ...STOPPED, activeState: 'active', mainPid: 7 };
const STORE = { device: '0:7', inode: 42n };

const plan = (change: Partial<NodePlan> = {}): NodePlan => ({
  ...NodePlan.fromPartial({
    node: 'cp1',
    etcd: EtcdMemberPlan.fromPartial({
      dataDir: '/nowhere/etcd',
      oldStore: { dbInode: { device: 7n, number: STORE.inode } },
      listenClientUrls: ['https://10.0.0.1:2379'],
      listenPeerUrls: ['https://10.0.0.1:2380'],
    }),
  }),
  ...change,
});

/** etcd's unit, held and stopped, beside a kubelet that says back what it is asked. */
class Node {
  readonly said: string[] = [];
  hasKubelet = true;
  kubeletSeen = { held: true, marked: false, active: false };
  unitSeen = { held: true, marked: true, state: STOPPED };
  isHoldThere = true;
  properties = new Map<string, string>();
  openFiles: { pid: number; command: string; path: string }[] = [];
  locks: { kind: string; access: string; pid: number; file: typeof STORE }[] = [];
  listening: number[] = [];

  readonly hosting = new SystemdHosting({
    kubelet: this.#says('kubelet', {
      kubeletState: () => this.kubeletSeen,
      manifestsInPlace: () => ['kube-apiserver'],
      provenance: () => 'what a card takes',
    }),
    hasKubelet: () => this.hasKubelet,
    unit: Object.assign(
      this.#says('unit', {
        observe: () => this.unitSeen,
        state: () => this.unitSeen.state,
        properties: () => this.properties,
      }),
      { unit: 'etcd.service', holdFile: HOLD, dropInPath: '/d' },
    ),
    files: {
      realPath: (path: string) => path,
      exists: async (path: string) => path === HOLD && this.isHoldThere,
    },
    processes: {
      openFiles: async () => this.openFiles,
      sockets: () =>
        this.listening.map((port) => ({
          local: { address: '10.0.0.1', port },
          remote: { address: '0.0.0.0', port: 0 },
          state: 'listen',
        })),
      locks: () => this.locks,
    },
    kubeletHold: { holdFile: '/h', dropIn: '/k' },
    runtimeSocket: '/run/containerd.sock',
  } as unknown as SystemdParts);

  prove(components: readonly Component[] = ALL, of: NodePlan = plan()): Promise<void> {
    return this.hosting.proveStopped(of, 'op-1', components, never);
  }

  /** Every method, said with the components that it is given. */
  #says(who: string, answers: Record<string, () => unknown>): object {
    const calls = ['prepare', 'mark', 'kill', 'startSoon', 'observe', 'state', 'properties', 'prepareHold'];
    const kubelets = ['holdKubelet', 'releaseKubelet', 'kubeletState', 'parkManifests', 'returnManifest'];
    const proofs = ['stopComponents', 'proveStopped', 'manifestsInPlace', 'provenance'];
    const waits = ['waitApiReady', 'waitServingPeers'];
    return Object.fromEntries(
      [...calls, ...kubelets, ...proofs, ...waits].map((name) => [
        name,
        async (...given: unknown[]) => {
          const components = given.flatMap((each) => (Array.isArray(each) ? each : []));
          const answer = answers[name];
          if (answer === undefined) this.said.push([`${who}.${name}`, ...components].join(' '));
          return answer?.();
        },
      ]),
    );
  }
}

function without(kubelet: boolean): Node {
  return Object.assign(new Node(), { hasKubelet: kubelet });
}

describe('the hold', () => {
  test('is the unit’s, and kubelet’s where there is one', async () => {
    const node = new Node();
    await node.hosting.prepareHold(never);
    await node.hosting.holdKubelet('op-1', never);
    expect(node.said.toSorted()).toEqual([
      'kubelet.holdKubelet',
      'kubelet.prepareHold',
      'unit.mark',
      'unit.prepare',
    ]);
    const alone = without(false);
    await alone.hosting.prepareHold(never);
    await alone.hosting.holdKubelet('op-1', never);
    expect(alone.said).toEqual(['unit.prepare', 'unit.mark']);
  });

  test('is lifted from kubelet, which starts nothing of etcd; without one from the unit', async () => {
    const node = new Node();
    await node.hosting.releaseKubelet('op-1', never);
    expect(node.said).toEqual(['kubelet.releaseKubelet']);
    const alone = without(false);
    await alone.hosting.releaseKubelet('op-1', never);
    expect(alone.said).toEqual(['unit.startSoon']);
  });

  test.each([
    ['both', true, true, { held: true, marked: false, active: false }],
    ['kubelet alone', false, true, { held: false, marked: false, active: false }],
    ['the unit alone', true, false, { held: false, marked: false, active: false }],
  ])('by %s', async (_who, unit, kubelet, expected) => {
    const node = new Node();
    node.unitSeen = { ...node.unitSeen, held: unit };
    node.kubeletSeen = { ...node.kubeletSeen, held: kubelet };
    expect(await node.hosting.kubeletState('op-1', never)).toEqual(expected);
  });

  test('stands for kubelet’s where there is none', async () => {
    const node = without(false);
    expect(await node.hosting.kubeletState('op-1', never)).toEqual({
      held: true,
      marked: true,
      active: false,
    });
    node.unitSeen = { ...node.unitSeen, held: false, marked: false };
    expect(await node.hosting.kubeletState('op-1', never)).toEqual({
      held: false,
      marked: false,
      active: true,
    });
  });
});

describe('what is in place', () => {
  const inPlace = (node: Node) => node.hosting.manifestsInPlace(plan(), never);

  test.each([
    ['held and stopped', true, STOPPED, []],
    ['held and still running', true, RUNNING, []],
    ['stopped, and held by nobody', false, STOPPED, []],
    ['running', false, RUNNING, ['etcd']],
  ])('is etcd, where its unit is %s: %s, %s', async (_how, isHoldThere, state, expected) => {
    const node = without(false);
    Object.assign(node, { isHoldThere, unitSeen: { ...node.unitSeen, state } });
    expect(await inPlace(node)).toEqual(expected);
  });

  test('is what kubelet has in place besides', async () => {
    const node = new Node();
    expect(await inPlace(node)).toEqual(['kube-apiserver']);
    Object.assign(node, { isHoldThere: false, unitSeen: { ...node.unitSeen, state: RUNNING } });
    expect(await inPlace(node)).toEqual(['etcd', 'kube-apiserver']);
  });

  test('goes out by the hold, and by kubelet’s directory', async () => {
    const park = (node: Node, components: readonly Component[]) =>
      node.hosting.parkManifests(plan(), components, PARKED, never);
    const node = new Node();
    await park(node, ALL);
    expect(node.said).toEqual(['unit.prepare', 'kubelet.parkManifests kube-apiserver kube-scheduler']);
    const [etcd, others] = [new Node(), Object.assign(new Node(), { isHoldThere: false })];
    await park(etcd, ['etcd']);
    await park(others, ['kube-apiserver']);
    expect([etcd.said, others.said]).toEqual([['unit.prepare'], ['kubelet.parkManifests kube-apiserver']]);
    await expect(park(others, ['etcd'])).rejects.toMatchObject({ code: 'UNIT_HOLD_FAILED', node: 'cp1' });
  });

  test('comes back by a start, and by kubelet’s directory', async () => {
    const node = new Node();
    await node.hosting.returnManifest(plan(), 'etcd', PARKED, never);
    await node.hosting.returnManifest(plan(), 'kube-apiserver', PARKED, never);
    expect(node.said).toEqual(['unit.startSoon', 'kubelet.returnManifest']);
  });
});

describe('a stop', () => {
  test('is each one’s own', async () => {
    const stopped = async (components: readonly Component[]): Promise<string[]> => {
      const node = new Node();
      await node.hosting.stopComponents(plan(), components, never);
      return node.said;
    };
    expect(await stopped(ALL)).toEqual(['unit.kill', 'kubelet.stopComponents kube-apiserver kube-scheduler']);
    expect(await stopped(['etcd'])).toEqual(['unit.kill']);
    expect(await stopped(['kube-apiserver'])).toEqual(['kubelet.stopComponents kube-apiserver']);
  });

  test('is proven of each by its own', async () => {
    const node = new Node();
    await node.prove();
    expect(node.said).toEqual(['kubelet.proveStopped kube-apiserver kube-scheduler']);
    const etcd = new Node();
    await etcd.prove(['etcd']);
    expect(etcd.said).toEqual([]);
    // The unit may run while API servers are stopped.
    const api = new Node();
    api.unitSeen = { ...api.unitSeen, state: RUNNING };
    await api.prove(['kube-apiserver']);
    expect(api.said).toEqual(['kubelet.proveStopped kube-apiserver']);
  });

  test.each<[string, (node: Node) => unknown]>([
    ['is not held', (node) => Object.assign(node, { unitSeen: { ...node.unitSeen, held: false } })],
    ['runs', (node) => Object.assign(node, { unitSeen: { ...node.unitSeen, state: RUNNING } })],
    ['left a process behind', (node) => node.properties.set('TasksCurrent', '1')],
    ['has its store open', (node) => node.openFiles.push({ pid: 7, command: 'etcd', path: '/db' })],
    [
      'has its store locked',
      (node) => node.locks.push({ kind: 'FLOCK', access: 'WRITE', pid: 7, file: STORE }),
    ],
    ['serves clients', (node) => node.listening.push(2379)],
    ['serves peers', (node) => node.listening.push(2380)],
  ])('is not proven of a unit that %s', async (_what, change) => {
    const node = new Node();
    change(node);
    await expect(node.prove()).rejects.toMatchObject({ code: 'STOP_UNPROVEN', node: 'cp1' });
  });

  test('asks for no store where the plan has no member', async () => {
    const node = new Node();
    node.listening.push(2379);
    await expect(node.prove(ALL, plan({ etcd: undefined }))).resolves.toBeUndefined();
  });
});

test('what kubelet knows is asked of it', async () => {
  const node = new Node();
  expect(await node.hosting.provenance(never)).toBe('what a card takes');
  await node.hosting.waitApiReady(plan(), never);
  await node.hosting.waitServingPeers(EtcdMemberPlan.fromPartial({}), never);
  expect(node.said).toEqual(['kubelet.waitApiReady', 'kubelet.waitServingPeers']);
});
