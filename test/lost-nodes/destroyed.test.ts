import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planRestore, put, type SaidRefusal, saveSnapshot, storeInode } from '../e2e/support/cluster.ts';
import {
  approve,
  restored,
  runPlan,
  servedValue,
  waitServingOn,
  waitSetAside,
} from '../e2e/support/left-out.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { Lab } from '../lab/lab.ts';

const KEY = '/registry/configmaps/default/deed';

/** Two of three hosts are gone for good, and with them the quorum: restored on the one that is left. */
describe('a restore after the quorum is lost for good', () => {
  let lab: Lab;
  let snapshot: string;
  let operationId: string;
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

  it('is refused while a node that is said to be gone answers', async () => {
    const { said } = await planRestore(lab, snapshot, '--destroyed', 'cp2', '--destroyed', 'cp3');
    expect(codesOf(said)).toEqual(['LEFT_OUT_ALIVE', 'LEFT_OUT_ALIVE']);
  });

  it('is planned without them, and says that nothing can be compared and who must approve', async () => {
    await Promise.all([lab.node('cp2').powerOff(), lab.node('cp3').powerOff()]);
    expect(await servedValue(lab, lab.node('cp1'), KEY)).toBeUndefined();
    const without = await planRestore(lab, snapshot, '--without', 'cp2', '--without', 'cp3');
    expect(codesOf(without.said)).toEqual(['LEFT_OUT_QUORUM']);

    const { said, exitCode } = await planRestore(lab, snapshot, '--destroyed', 'cp2', '--destroyed', 'cp3');
    expect(said, JSON.stringify(said['refusals'])).toMatchObject({ outcome: 'planned' });
    expect(exitCode).toBe(0);
    expect(said).toMatchObject({
      plan: { approvalNeeds: [{ code: 'DESTROYED' }], baseline: { serving: false } },
    });
    operationId = said.operationId;
  });

  it('is not run before a second person has approved it, and that is not who planned it', async () => {
    const early = await runPlan(lab, operationId);
    expect(early.said).toMatchObject({ outcome: 'refused', code: 'APPROVAL_MISSING' });
    expect(early.exitCode).toBe(5);
    const own = await approve(lab, operationId, 'alice');
    expect(own.said).toMatchObject({ outcome: 'refused', code: 'APPROVAL_BY_PLANNER' });
    expect(own.exitCode).toBe(5);
    const stillNot = await runPlan(lab, operationId);
    expect(stillNot.said).toMatchObject({ code: 'APPROVAL_MISSING' });

    const other = await approve(lab, operationId);
    expect(other.said).toMatchObject({
      outcome: 'approved',
      approval: { approvedBy: `lockstep://${lab.clusterName}/operator/bob`, reason: 'seen it' },
    });
    expect(other.exitCode).toBe(0);
  });

  it('brings the cluster back on what is left', async () => {
    const { said, exitCode } = await runPlan(lab, operationId);
    expect(said, JSON.stringify(said)).toMatchObject({ outcome: 'restored' });
    expect(exitCode).toBe(0);
    const node = lab.node('cp1');
    await waitServingOn(lab, [node]);
    expect(await servedValue(lab, node, KEY)).toBe('good');
    const { stdout } = await lab.etcdctl(node, ['member', 'list']);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    await put(lab, KEY, 'written since');

    const report = await lab.lockstep(['restore', 'report', operationId, '-o', 'json']);
    expect(JSON.parse(report.stdout)).toMatchObject({
      report: {
        approval: { approvedBy: `lockstep://${lab.clusterName}/operator/bob` },
        leftOut: [
          { node: 'cp2', destroyed: true },
          { node: 'cp3', destroyed: true },
        ],
      },
    });
  });

  it('sets both aside that were not gone after all, though together they are OLD’s quorum', async () => {
    const returning = [lab.node('cp2'), lab.node('cp3')];
    const inodes = returning.map(storeInode);
    await Promise.all(returning.map((node) => node.powerOn()));
    await Promise.all(returning.map(({ name }) => waitSetAside(lab, name)));
    for (const node of returning) {
      expect(node.containers('etcd')).toEqual([]);
      expect(node.containers('kube-apiserver')).toEqual([]);
    }
    expect(returning.map(storeInode)).toEqual(inodes);
    expect(await servedValue(lab, lab.node('cp1'), KEY)).toBe('written since');
  });

  it('keeps them aside while the one that is left is restored again', async () => {
    const { said } = await planRestore(lab, snapshot);
    expect(new Set(codesOf(said))).toEqual(new Set(['NODE_SET_ASIDE']));
    await restored(lab, snapshot, '--without', 'cp2', '--without', 'cp3');
    expect(await servedValue(lab, lab.node('cp1'), KEY)).toBe('good');
  });
});
