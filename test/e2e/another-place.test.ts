import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import { coordinatorName } from '../lab/layout/lockstep-files.ts';
import { hostPaths } from '../lab/layout/paths.ts';
import { createAuthority } from '../lab/pki/certificates.ts';
import { createClusterPki } from '../lab/pki/kubernetes-pki.ts';
import { snapshotFiles } from './support/alter-snapshot.ts';
import { planRestore, put, runRestore, type SaidRefusal, saveSnapshot } from './support/cluster.ts';
import { loadObjects } from './support/objects.ts';

const DEED = '/registry/configmaps/default/deed';
const KUBEADM = '/registry/configmaps/kube-system/kubeadm-config';
const CLUSTER_INFO = '/registry/configmaps/kube-public/cluster-info';

/** A cluster that burnt down, one freshly built with its keys, and one with keys of its own. */
describe('a snapshot goes into another place', () => {
  let burnt: Lab;
  let fresh: Lab;
  let stranger: Lab;
  let snapshot: string;

  beforeAll(async () => {
    const keys = await createClusterPki();
    burnt = await Lab.up({ nodes: 1, nodePrefix: 'a-cp', clusterName: 'burnt', pki: keys });
    await loadObjects(burnt);
    await put(burnt, DEED, 'good');
    await put(burnt, KUBEADM, 'of burnt');
    await put(burnt, CLUSTER_INFO, 'of burnt');
    await put(burnt, '/registry/minions/a-worker', 'a worker that is no more');
    snapshot = await saveSnapshot(burnt);
    // Its own etcd CA: only what Kubernetes signs with has to be carried over.
    const carried = { ...keys, etcdCa: await createAuthority('etcd-ca') };
    fresh = await Lab.up({ nodes: 3, nodePrefix: 'b-cp', clusterName: 'fresh', pki: carried });
    await put(fresh, KUBEADM, 'of fresh');
    stranger = await Lab.up({ nodes: 1, nodePrefix: 'c-cp', clusterName: 'stranger' });
    for (const lab of [fresh, stranger]) carry(burnt, lab, snapshot);
  });
  afterAll(async () => {
    await Promise.all([burnt, fresh, stranger].map((lab) => lab?.down()));
  });

  it('not unless it is said where', async () => {
    const { said, exitCode } = await planRestore(fresh, snapshot);
    expect(exitCode).toBe(5);
    expect(codesOf(said)).toContain('CLUSTER_MISMATCH');
    const elsewhere = await planRestore(fresh, snapshot, '--into', 'stranger');
    expect(codesOf(elsewhere.said)).toContain('CLUSTER_MISMATCH');
  });

  it('not where nobody knows who sealed it', async () => {
    const { said } = await planRestore(fresh, snapshot, '--into', 'fresh');
    expect(codesOf(said)).toEqual(['SIGNER_UNTRUSTED']);
    for (const lab of [fresh, stranger]) believe(lab, burnt);
  });

  it('not where the keys are others', async () => {
    const { said, exitCode } = await planRestore(stranger, snapshot, '--into', 'stranger');
    expect(exitCode).toBe(5);
    expect(new Set(codesOf(said))).toEqual(new Set(['CLUSTER_CA_MISMATCH', 'SERVICE_ACCOUNT_KEY_MISMATCH']));
  });

  it('with the target’s members, names and addresses, and no host of the old place left', async () => {
    const before = await keysUnder(fresh, '/registry/minions/');
    const { said, exitCode, ended } = await runRestore(fresh, snapshot, '--into', 'fresh');
    expect(said, ended.stdout + ended.stderr).toMatchObject({ outcome: 'restored' });
    expect(exitCode).toBe(0);

    expect(await valueOf(fresh, DEED)).toBe('good');
    expect(await valueOf(fresh, KUBEADM)).toBe('of fresh');
    expect(await valueOf(fresh, CLUSTER_INFO)).toBe('');
    expect(await keysUnder(fresh, '/registry/minions/')).toEqual(before);
    for (const prefix of ['/registry/leases/kube-node-lease/', '/registry/masterleases/']) {
      const keys = await keysUnder(fresh, prefix);
      expect(keys.filter((key) => key.includes('a-') || key.includes(address(burnt)))).toEqual([]);
    }
    const { stdout } = await fresh.etcdctl('b-cp1', ['member', 'list']);
    expect(stdout.trim().split('\n')).toHaveLength(3);
    for (const { name } of fresh.nodes) expect(stdout).toContain(name);
    await Promise.all(fresh.nodes.map((node) => node.waitApiReady(AbortSignal.timeout(30_000))));
  });
});

/** As with scp: both files, to where the agent keeps its snapshots. */
function carry(from: Lab, to: Lab, id: string): void {
  const [node] = to.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  const { bytes, card } = snapshotFiles(from, id);
  for (const file of [bytes, card]) {
    copyFileSync(file, join(node.path('/var/lib/lockstep/snapshots'), basename(file)));
  }
}

/** The CA of one cluster's Lockstep beside another's own: its seals count there. */
function believe(lab: Lab, other: Lab): void {
  const ca = join(other.directory, 'pki/coordinators', coordinatorName(0), 'ca.crt');
  const beside = [
    join(lab.directory, 'pki/coordinators', coordinatorName(0)),
    ...lab.nodes.map((node) => node.path(hostPaths.lockstepTls)),
  ];
  for (const directory of beside) {
    const path = join(directory, 'trusted', `${other.clusterName}.crt`);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(ca, path);
  }
}

function codesOf(said: Record<string, unknown>): string[] {
  return (said['refusals'] as SaidRefusal[]).map(({ code }) => code);
}

function address(lab: Lab): string {
  return lab.nodes[0]?.address ?? '';
}

async function valueOf(lab: Lab, key: string): Promise<string> {
  const { stdout } = await lab.etcdctl(lab.nodes[0]?.name ?? '', ['get', '--print-value-only', key]);
  return stdout.trim();
}

async function keysUnder(lab: Lab, prefix: string): Promise<string[]> {
  const { stdout } = await lab.etcdctl(lab.nodes[0]?.name ?? '', ['get', '--prefix', '--keys-only', prefix]);
  return stdout.split('\n').filter(Boolean);
}
