import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import {
  planRestore,
  put,
  runRestore,
  type SaidRefusal,
  saveSnapshot,
  storeInode,
} from './support/cluster.ts';
import { reportOf, sampleServing, servedValue, waitServingOn, waitSetAside } from './support/left-out.ts';
import { loadObjects } from './support/objects.ts';

const KEY = '/registry/configmaps/default/deed';

/** One of three is away: the others are restored without it, and it never serves OLD again. */
describe('a restore without a node that is away', () => {
  let lab: Lab;
  let snapshot: string;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3 });
    await loadObjects(lab);
    await put(lab, KEY, 'good');
    snapshot = await saveSnapshot(lab, '--node', 'cp1');
    await put(lab, KEY, 'bad');
  });
  afterAll(async () => lab?.down());

  const codesOf = (said: Record<string, unknown>): string[] =>
    (said['refusals'] as SaidRefusal[]).map(({ code }) => code);

  it('is refused while the node answers, for a name that nobody has, and for too many', async () => {
    const alive = await planRestore(lab, snapshot, '--without', 'cp3');
    expect(codesOf(alive.said)).toEqual(['LEFT_OUT_ALIVE']);
    expect(alive.exitCode).toBe(5);
    const unknown = await planRestore(lab, snapshot, '--without', 'cp9');
    expect(codesOf(unknown.said)).toContain('LEFT_OUT_UNKNOWN');
    const many = await planRestore(lab, snapshot, '--without', 'cp2', '--without', 'cp3');
    expect(codesOf(many.said)).toContain('LEFT_OUT_QUORUM');
    const [quorum] = (many.said['refusals'] as SaidRefusal[]).filter(
      ({ code }) => code === 'LEFT_OUT_QUORUM',
    );
    expect(quorum?.cure).toContain('--destroyed');
  });

  it('goes on with the others, who alone are NEW', async () => {
    await lab.node('cp3').powerOff();
    const missing = await planRestore(lab, snapshot);
    expect(codesOf(missing.said)).toContain('NODE_MISSING');

    const { said, exitCode, ended } = await runRestore(lab, snapshot, '--without', 'cp3');
    expect(said, ended.stdout + ended.stderr).toMatchObject({ outcome: 'restored' });
    expect(exitCode).toBe(0);

    const staying = [lab.node('cp1'), lab.node('cp2')];
    await waitServingOn(lab, staying);
    for (const node of staying) expect(await servedValue(lab, node, KEY)).toBe('good');
    const { stdout } = await lab.etcdctl('cp1', ['member', 'list']);
    expect(stdout.trim().split('\n')).toHaveLength(2);
    expect(stdout).not.toContain('cp3');
  });

  it('sets the node aside when it is back: it never serves OLD, and OLD is kept', async () => {
    const node = lab.node('cp3');
    const inode = storeInode(node);
    await node.powerOn();
    const { values, apiReady, samples } = await sampleServing(lab, node, KEY, waitSetAside(lab, 'cp3'));
    expect(samples).toBeGreaterThan(3);
    expect(values).toEqual([]);
    expect(apiReady).toBe(false);
    expect(node.containers('etcd')).toEqual([]);
    expect(node.containers('kube-apiserver')).toEqual([]);
    expect(storeInode(node)).toBe(inode);
  });

  it('keeps it aside across a reboot, and no restore goes on as if it were whole', async () => {
    const node = lab.node('cp3');
    await node.reboot();
    await node.waitAgent(AbortSignal.timeout(30_000));
    await expect
      .poll(async () => (await reportOf(lab, 'cp3'))?.['setAsideOperationId'], { timeout: 30_000 })
      .toMatch(/^a-/);
    expect(await node.isActive('kubelet')).toBe(false);
    expect(node.containers('etcd')).toEqual([]);

    const with3 = await planRestore(lab, snapshot);
    expect(codesOf(with3.said)).toEqual(['NODE_SET_ASIDE']);
    const { said, ended } = await runRestore(lab, snapshot, '--without', 'cp3');
    expect(said, ended.stdout + ended.stderr).toMatchObject({ outcome: 'restored' });
  });
});
