import { deadline } from '@lockstep/shared/deadline.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeldWatcher } from '../demo/held-watcher.ts';
import { adminClient, apiServers } from '../demo/lab-access.ts';
import { Lab } from '../lab/lab.ts';
import { raiseNoSpace } from './support/alarm.ts';
import {
  hashesAt,
  put,
  runRestore,
  saveSnapshot,
  startRestore,
  storeInode,
  valuesOf,
  waitServing,
} from './support/cluster.ts';
import { loadObjects } from './support/objects.ts';

/** Before the snapshot: good. After it: bad. The restore brings good back on every member. */
async function soil(lab: Lab): Promise<string> {
  await put(lab, '/registry/configmaps/default/deed', 'good');
  const snapshot = await saveSnapshot(lab);
  await put(lab, '/registry/configmaps/default/deed', 'bad');
  await put(lab, '/registry/daemonsets/kube-system/miner', 'mining');
  return snapshot;
}

async function expectRestored(lab: Lab): Promise<void> {
  await waitServing(lab);
  expect(new Set(await valuesOf(lab, '/registry/configmaps/default/deed'))).toEqual(new Set(['good']));
  expect(new Set(await valuesOf(lab, '/registry/daemonsets/kube-system/miner'))).toEqual(new Set(['']));
  const { hashes } = await hashesAt(lab);
  expect(new Set(hashes).size).toBe(1);
}

/** One client of each API server that holds a watch, as controllers and kubelets do. */
function holdWatchers(lab: Lab): Promise<HeldWatcher[]> {
  return Promise.all(
    apiServers(lab).map((server) =>
      HeldWatcher.hold(adminClient(lab, server), '/api/v1/configmaps', deadline(10_000)),
    ),
  );
}

describe('three nodes, no NATS', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3 });
    await loadObjects(lab);
  });
  afterAll(async () => lab?.down());

  it('are restored, and OLD is kept whole', async () => {
    const snapshot = await soil(lab);
    const before = lab.nodes.map(storeInode);
    const { said, exitCode } = await runRestore(lab, snapshot);
    expect(said).toMatchObject({ outcome: 'restored' });
    expect(exitCode).toBe(0);
    await expectRestored(lab);
    for (const [index, node] of lab.nodes.entries()) {
      expect(storeInode(node)).not.toBe(before[index]);
    }
  });

  it('are restored from one snapshot twice in a row, and clients that watch are told each time', async () => {
    const snapshot = await soil(lab);
    for (let round = 0; round < 2; round += 1) {
      const watchers = await holdWatchers(lab);
      try {
        const { said } = await runRestore(lab, snapshot);
        expect(said).toMatchObject({ outcome: 'restored' });
        await expectRestored(lab);
        for (const watcher of watchers) {
          await expect.poll(() => watcher.toldExpired, { timeout: 20_000 }).toMatch(/^410 /);
        }
      } finally {
        for (const watcher of watchers) watcher[Symbol.dispose]();
      }
    }
  });

  it('keep a VIP’s static pod running throughout', async () => {
    const snapshot = await soil(lab);
    const [node] = lab.nodes;
    if (node === undefined) throw new Error('no node');
    await node.addStaticPod('kube-vip.yaml', VIP);
    await expect.poll(() => node.containers('kube-vip').length, { timeout: 20_000 }).toBe(1);
    const [before] = node.containers('kube-vip');
    const { said } = await runRestore(lab, snapshot);
    expect(said).toMatchObject({ outcome: 'restored' });
    expect(node.containers('kube-vip').map(({ process }) => process)).toEqual([before?.process]);
    await node.removeStaticPod('kube-vip.yaml');
  });

  it('take one operation at a time: of two started at once one is refused', async () => {
    const snapshot = await soil(lab);
    const both = [startRestore(lab, snapshot), startRestore(lab, snapshot)];
    const ends = await Promise.all(both.map(({ ended }) => ended));
    expect(ends.map(({ exitCode }) => exitCode).sort((a, b) => a - b)).toEqual([0, 5]);
    const refused = ends.find(({ exitCode }) => exitCode === 5);
    expect(refused?.said).toMatchObject({ outcome: 'refused', code: 'OPERATION_IN_PROGRESS' });
    await expectRestored(lab);
  });

  it('are restored from a snapshot with a NOSPACE alarm', async () => {
    const [node] = lab.nodes;
    if (node === undefined) throw new Error('no node');
    await put(lab, '/registry/configmaps/default/deed', 'good');
    const { stdout } = await lab.etcdctl(node, ['endpoint', 'status', '-w', 'json']);
    await raiseNoSpace(node, BigInt(/"member_id":(\d+)/.exec(stdout)?.[1] ?? '0'));
    const snapshot = await saveSnapshot(lab);
    expect((await lab.etcdctl(node, ['alarm', 'disarm'])).exitCode).toBe(0);
    await put(lab, '/registry/configmaps/default/deed', 'bad');
    const { said, ended } = await runRestore(lab, snapshot);
    expect(said, ended.stderr).toMatchObject({ outcome: 'restored' });
    await expectRestored(lab);
    expect((await lab.etcdctl(node, ['alarm', 'list'])).stdout.trim()).toBe('');
  });

  it('are restored from a snapshot whose leases expire at once', async () => {
    const [node] = lab.nodes;
    if (node === undefined) throw new Error('no node');
    await put(lab, '/registry/configmaps/default/deed', 'good');
    for (let index = 0; index < 5; index += 1) {
      const { stdout } = await lab.etcdctl(node, ['lease', 'grant', '2']);
      const id = /lease ([0-9a-f]+) granted/.exec(stdout)?.[1] ?? '';
      await lab.etcdctl(node, ['put', `--lease=${id}`, `/registry/leases/default/short-${index}`, 'x']);
    }
    const snapshot = await saveSnapshot(lab);
    await put(lab, '/registry/configmaps/default/deed', 'bad');
    const { said } = await runRestore(lab, snapshot);
    expect(said).toMatchObject({ outcome: 'restored' });
    await expectRestored(lab);
    await expect
      .poll(
        async () =>
          (
            await lab.etcdctl(node, ['get', '--prefix', '--keys-only', '/registry/leases/default/short-'])
          ).stdout.trim(),
        { timeout: 20_000 },
      )
      .toBe('');
  });
});

describe('five nodes, with NATS', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 5, nats: true });
    await loadObjects(lab);
  });
  afterAll(async () => lab?.down());

  it('are restored', async () => {
    const snapshot = await soil(lab);
    const { said, exitCode } = await runRestore(lab, snapshot);
    expect(said).toMatchObject({ outcome: 'restored' });
    expect(exitCode).toBe(0);
    await expectRestored(lab);
  });
});

const VIP = `apiVersion: v1
kind: Pod
metadata: { name: kube-vip, namespace: kube-system, labels: { app: kube-vip } }
spec:
  hostNetwork: true
  containers:
    - name: kube-vip
      image: ghcr.io/kube-vip/kube-vip:v0.8.0
      args: [manager]
`;
