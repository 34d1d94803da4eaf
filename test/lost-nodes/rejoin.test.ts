import { existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  hashesAt,
  injectOnAgents,
  put,
  runRestore,
  type Said,
  saidBy,
  saveSnapshot,
  storeInode,
  valuesOf,
  waitAgents,
  waitEnded,
  waitServing,
} from '../e2e/support/cluster.ts';
import { restored, waitSetAside } from '../e2e/support/left-out.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { readTree, type Tree } from '../e2e/support/tree.ts';
import { FailpointBoard } from '../faults/failpoints/board.ts';
import { Lab } from '../lab/lab.ts';

const KEY = '/registry/configmaps/default/deed';

/** The third of three was away during a restore and was set aside; it comes back as a new member. */
describe('node rejoin', () => {
  let lab: Lab;
  let snapshot: string;
  let old: Tree;
  let inode: bigint;

  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3, failpoints: true });
    await loadObjects(lab);
    await put(lab, KEY, 'good');
    snapshot = await saveSnapshot(lab, '--node', 'cp1');
    await put(lab, KEY, 'bad');
    const node = lab.node('cp3');
    await node.powerOff();
    await restored(lab, snapshot, '--without', 'cp3');
    await node.powerOn();
    await waitSetAside(lab, 'cp3');
    inode = storeInode(node);
    old = readTree(node.path('/var/lib/etcd'));
  });
  afterEach(() => injectOnAgents(lab));
  afterAll(async () => lab?.down());

  async function rejoin(
    name: string,
    ...args: string[]
  ): Promise<{ said: Said; exitCode: number; text: string }> {
    const ended = await lab.lockstep(['node', 'rejoin', name, '-o', 'json', ...args], { timeoutMs: 180_000 });
    return { said: saidBy(ended), exitCode: ended.exitCode, text: ended.stdout + ended.stderr };
  }

  const memberNames = async (): Promise<string[]> => {
    const { stdout } = await lab.etcdctl('cp1', ['member', 'list', '-w', 'json']);
    const { members } = JSON.parse(stdout) as { members: { name: string; isLearner?: boolean }[] };
    return members.map(({ name, isLearner }) => (isLearner === true ? `${name} (learner)` : name)).sort();
  };

  it('is refused for a node that is a member, and changes nothing unless confirmed', async () => {
    const member = await rejoin('cp2', '--confirm', lab.clusterName);
    expect(member.said).toMatchObject({ outcome: 'refused', code: 'REJOIN_NOT_SET_ASIDE' });
    expect(member.exitCode).toBe(5);
    const unconfirmed = await rejoin('cp3');
    expect(unconfirmed.said).toMatchObject({ code: 'CONFIRMATION_MISMATCH' });
    expect(unconfirmed.exitCode).toBe(5);
    expect(await memberNames()).toEqual(['cp1', 'cp2']);
  });

  it('sets the node aside again where it cannot join', async () => {
    // Each fails once: together as often as it is tried.
    new FailpointBoard(lab.node('cp3').failpointsDirectory).arm({
      arms: [
        { point: 'agent:joining.placeJoiningManifest:before@STEP_REJOIN_START', action: 'fail' },
        { point: 'agent:hosting.waitServingPeers:before@STEP_REJOIN_START', action: 'fail' },
        { point: 'agent:handlers.perform:after@STEP_REJOIN_START', action: 'fail' },
      ],
    });
    const { said, exitCode, text } = await rejoin('cp3', '--confirm', lab.clusterName);
    expect(said, text).toMatchObject({ outcome: 'rolled-back' });
    expect(exitCode).toBe(3);
    expect(await memberNames()).toEqual(['cp1', 'cp2']);
    const node = lab.node('cp3');
    expect(storeInode(node)).toBe(inode);
    expect(readTree(node.path('/var/lib/etcd'))).toEqual(old);
    expect(node.containers('etcd')).toEqual([]);
    injectOnAgents(lab);
    await waitSetAside(lab, 'cp3');
  });

  it('makes it a member that holds what the others hold, and keeps its OLD', async () => {
    await put(lab, KEY, 'written since');
    const node = lab.node('cp3');
    // The coordinator dies half-way, with the node's step under way; the next one goes on.
    const pause = { point: 'agent:handlers.perform:after@STEP_REJOIN_START', action: { pauseMs: 5_000 } };
    new FailpointBoard(node.failpointsDirectory).arm({ arms: [pause] });
    const { said, exitCode, text } = await rejoin('cp3', '--confirm', lab.clusterName, '--detach');
    expect(exitCode, text).toBe(9);
    await expect.poll(() => node.containers('etcd').length, { timeout: 60_000 }).toBe(1);
    await lab.coordinator.kill();
    await lab.coordinator.start();
    await waitAgents(lab);
    expect(await waitEnded(lab, said.operationId)).toBe('restored');
    await waitServing(lab);
    expect(await memberNames()).toEqual(['cp1', 'cp2', 'cp3']);
    expect(new Set(await valuesOf(lab, KEY))).toEqual(new Set(['written since']));
    expect(new Set((await hashesAt(lab)).hashes).size).toBe(1);

    const manifest = readFileSync(node.path('/etc/kubernetes/manifests/etcd.yaml'), 'utf8');
    expect(manifest).toContain('--initial-cluster-state=existing');
    const kept = `/var/lib/.lockstep/${said.operationId}/store`;
    expect(existsSync(node.path(kept))).toBe(true);
    expect(readTree(node.path(kept))).toEqual(old);
  });

  it('leaves a cluster that is restored whole, and survives a reboot of the node', async () => {
    await lab.node('cp3').reboot();
    await waitServing(lab);
    const { said, ended } = await runRestore(lab, snapshot);
    expect(said, ended.stdout + ended.stderr).toMatchObject({ outcome: 'restored' });
    await waitServing(lab);
    expect(new Set(await valuesOf(lab, KEY))).toEqual(new Set(['good']));
    expect(await memberNames()).toEqual(['cp1', 'cp2', 'cp3']);
  });
});
