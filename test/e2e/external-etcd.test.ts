import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deadline } from '@lockstep/shared/deadline.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { floor } from '../bench/contenders/floor.ts';
import { lockstep } from '../bench/contenders/lockstep.ts';
import { measure } from '../bench/measure.ts';
import { seconds } from '../bench/verdict.ts';
import { BackgroundProgram } from '../lab/background-program.ts';
import { Lab } from '../lab/lab.ts';
import type { LabNode } from '../lab/lab-node.ts';
import { hostPaths, programs } from '../lab/layout/paths.ts';
import {
  hashesAt,
  injectOnAgents,
  planRestore,
  put,
  runRestore,
  type SaidRefusal,
  saveSnapshot,
  startRestore,
  storeInode,
  valuesOf,
  waitServing,
} from './support/cluster.ts';
import { loadObjects } from './support/objects.ts';

const KEY = '/registry/configmaps/default/deed';
const MEASURE_TIMEOUT_MS = 180_000;
const PAUSE_MS = 4_000;
/** Hosts of their own need root; on one loopback every client looks like the host itself. */
const network = process.getuid?.() === 0 ? 'namespaces' : 'loopback';
const run = promisify(execFile);

/** Three etcd hosts that run etcd as a unit, two control-plane hosts that run it not at all. */
describe('etcd on hosts of its own', () => {
  let lab: Lab;
  let snapshot: string;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 2, etcdHosts: 3, failpoints: true, network });
    await loadObjects(lab);
  });
  afterEach(() => injectOnAgents(lab));
  afterAll(async () => lab?.down());

  /** Good at the snapshot, bad after it. */
  async function soil(): Promise<void> {
    await put(lab, KEY, 'good');
    snapshot = await saveSnapshot(lab);
    await put(lab, KEY, 'bad');
  }

  async function expectSame(value: string): Promise<void> {
    await waitServing(lab);
    expect(new Set(await valuesOf(lab, KEY))).toEqual(new Set([value]));
    const { hashes } = await hashesAt(lab);
    expect(hashes).toHaveLength(3);
    expect(new Set(hashes).size).toBe(1);
  }

  it('is restored by one command, and OLD is kept', async () => {
    await soil();
    const before = lab.etcdHosts.map(storeInode);
    const { said, exitCode } = await runRestore(lab, snapshot);
    expect(said, JSON.stringify(said)).toMatchObject({ outcome: 'restored' });
    expect(exitCode).toBe(0);
    await expectSame('good');
    for (const [index, node] of lab.etcdHosts.entries()) {
      expect(storeInode(node)).not.toBe(before[index]);
      expect(await node.isActive('etcd')).toBe(true);
    }
  });

  it('tells a person on each node what is true there', async () => {
    const status = async (node: LabNode): Promise<string> => {
      const config = node.path(hostPaths.agentConfig);
      const words = [join(programs.agent, '../cli.ts'), 'status', '--local', '--config', config];
      return (await run(process.execPath, words)).stdout;
    };
    expect(await status(lab.node('etcd1'))).toMatch(/NEW is in place.*\n.*etcd\.service is started/u);
    const controlPlane = await status(lab.node('cp1'));
    expect(controlPlane).toContain('has no member of etcd');
    expect(controlPlane).toContain('Manifests in place: kube-apiserver');
  });

  it('is without its API hardly longer than the same processes need to start', async () => {
    await soil();
    const signal = deadline(MEASURE_TIMEOUT_MS);
    const floorMs = await measure(lab, floor, signal);
    const own = await measure(lab, lockstep({ snapshotId: snapshot }), signal);
    process.stderr.write(
      `external etcd: outage ${seconds(own.outageMs)}, floor ${seconds(floorMs.outageMs)}\n`,
    );
    expect(own.outages).toBe(1);
    // One run on a busy machine is no measurement: test/bench holds the proportion by medians.
    expect(own.outageMs).toBeLessThan(floorMs.outageMs * 3);
    await expectSame('good');
  });

  it.each([
    ['etcd2', 'STEP_BUILD'],
    ['cp2', 'STEP_REINSPECT'],
    ['etcd2', 'STEP_FENCE_API'],
    ['cp1', 'STEP_FENCE_API'],
    ['etcd3', 'STEP_FENCE_ETCD'],
    ['etcd2', 'STEP_SWAP'],
    ['cp1', 'STEP_START_KUBELET'],
    ['etcd1', 'STEP_START_ETCD'],
  ] as const)('comes back to OLD after a failure on %s after %s', async (node, step) => {
    await soil();
    injectOnAgents(lab, { node, step, action: 'fail' });
    const inodes = lab.etcdHosts.map(storeInode);
    const before = await hashesAt(lab);
    const { said, exitCode } = await runRestore(lab, snapshot);
    expect(said).toMatchObject({ outcome: 'rolled-back' });
    expect(exitCode).toBe(3);
    expect(lab.etcdHosts.map(storeInode)).toEqual(inodes);
    await expectSame('bad');
    expect(await hashesAt(lab, before.revision)).toEqual(before);
  });

  it('fails the gate over an API server that somebody lets in on a host without a member', async () => {
    await soil();
    injectOnAgents(lab, { node: 'etcd1', step: 'STEP_START_ETCD', action: { pauseMs: PAUSE_MS } });
    const inodes = lab.etcdHosts.map(storeInode);
    const restore = startRestore(lab, snapshot);
    // Before its kubelet is let start again it is the step itself that finds the manifest.
    await restore.reached('node-progress', { node: 'cp2', step: 'starting kubelet', done: true });
    const controlPlane = lab.node('cp2');
    // As it was parked, so that undo may take either for the other.
    await controlPlane.addStaticPod('kube-apiserver.yaml', controlPlane.manifest('kube-apiserver'));
    const { said, exitCode } = await restore.ended;
    expect(said).toMatchObject({ outcome: 'rolled-back', code: 'GATE_API_SERVER' });
    expect(exitCode).toBe(3);
    expect(lab.etcdHosts.map(storeInode)).toEqual(inodes);
    await expectSame('bad');
  });

  describe('and an API server that nobody planned', () => {
    let stray: BackgroundProgram | undefined;
    afterEach(async () => stray?.kill());

    const refusals = async (): Promise<{ codes: string[]; words: string; exitCode: number }> => {
      const { said, exitCode } = await planRestore(lab, snapshot);
      const found = (said['refusals'] ?? []) as SaidRefusal[];
      return {
        codes: [...new Set(found.map(({ code }) => code))],
        words: found.map(({ message }) => message).join('\n'),
        exitCode,
      };
    };

    it.each([
      ['by its connections alone', '/other'],
      ['by its masterlease', '/registry'],
    ])('is found %s, and refused with nothing changed', async (_how, prefix) => {
      if (network === 'loopback' && prefix !== '/registry') return;
      const address = lab.network.coordinatorAddress(0);
      stray = await startApiServer(lab, address, prefix);
      const inodes = lab.etcdHosts.map(storeInode);
      await expect
        .poll(async () => (await refusals()).codes, { timeout: 60_000 })
        .toEqual(['CLIENT_NOT_PLANNED']);
      const { words, exitCode } = await refusals();
      expect(exitCode).toBe(5);
      expect(words).toContain(address);
      const ran = await runRestore(lab, snapshot);
      expect(ran.said).toMatchObject({ outcome: 'refused', code: 'CLIENT_NOT_PLANNED' });
      expect(ran.exitCode).toBe(5);
      expect(lab.etcdHosts.map(storeInode)).toEqual(inodes);
      for (const node of lab.controlPlanes) expect(await node.isApiReady()).toBe(true);
      for (const node of lab.etcdHosts) expect(await node.isActive('etcd')).toBe(true);
    });
  });
});

/** On the coordinator's host, where no agent is: with cp1's certificates, and another prefix if need be. */
async function startApiServer(lab: Lab, address: string, prefix: string): Promise<BackgroundProgram> {
  const pki = lab.node('cp1').path(hostPaths.pki);
  const stray = new BackgroundProgram({
    name: 'stray-api-server',
    command: [
      process.execPath,
      programs.apiServer,
      `--advertise-address=${address}`,
      `--client-ca-file=${pki}/ca.crt`,
      `--etcd-cafile=${pki}/etcd/ca.crt`,
      `--etcd-certfile=${pki}/apiserver-etcd-client.crt`,
      `--etcd-keyfile=${pki}/apiserver-etcd-client.key`,
      `--etcd-prefix=${prefix}`,
      `--etcd-servers=${lab.etcdHosts.map((host) => `https://${host.address}:2379`).join(',')}`,
      `--tls-cert-file=${pki}/apiserver.crt`,
      `--tls-private-key-file=${pki}/apiserver.key`,
    ],
    logFile: `${lab.directory}/logs/stray-api-server.log`,
    environment: { ...process.env },
    enter: () => lab.enter('coordinator-1'),
  });
  await stray.start();
  return stray;
}
