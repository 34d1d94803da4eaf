import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import {
  hashesAt,
  injectOnAgents,
  put,
  runRestore,
  saveSnapshot,
  startRestore,
  storeInode,
  valuesOf,
  waitServing,
} from './support/cluster.ts';
import { loadObjects } from './support/objects.ts';
import { readTree, type Tree } from './support/tree.ts';

/**
 * A failure after each step before commit: OLD serves again, the same directory, the same
 * content, exit code 3. The failure comes after the step's effect, where undoing is hardest.
 */
const STEPS = [
  'STEP_STAGE',
  'STEP_BUILD',
  'STEP_SAFEGUARD',
  'STEP_REINSPECT',
  'STEP_FENCE_API',
  'STEP_FENCE_ETCD',
  'STEP_SWAP',
  'STEP_START_KUBELET',
  'STEP_START_ETCD',
  'STEP_PREPARE_GATE',
] as const;

describe('a failure before commit', () => {
  let lab: Lab;
  let snapshot: string;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3, failpoints: true });
    await loadObjects(lab);
    await put(lab, '/registry/configmaps/default/deed', 'then');
    snapshot = await saveSnapshot(lab);
    await put(lab, '/registry/configmaps/default/deed', 'now');
  });
  afterEach(() => injectOnAgents(lab));
  afterAll(async () => lab?.down());

  it.each(STEPS)('after %s brings OLD back', async (step) => {
    // PREPARE_GATE runs on the first node in order alone, whichever that is; the others fail on one.
    const where = step === 'STEP_PREPARE_GATE' ? {} : { node: 'cp2' };
    injectOnAgents(lab, { ...where, step, action: 'fail' });
    const inodes = lab.nodes.map(storeInode);
    const before = await hashesAt(lab);

    const { said, exitCode } = await runRestore(lab, snapshot);

    expect(said).toMatchObject({ outcome: 'rolled-back' });
    expect(exitCode).toBe(3);
    expect(lab.nodes.map(storeInode)).toEqual(inodes);
    await waitServing(lab);
    expect(new Set(await valuesOf(lab, '/registry/configmaps/default/deed'))).toEqual(new Set(['now']));
    expect(await hashesAt(lab, before.revision)).toEqual(before);
  });

  it('leaves OLD’s bytes alone from the stop of its members until they start again', async () => {
    // Time to read every byte: once all are stopped, and again once OLD is back and nothing runs yet.
    injectOnAgents(
      lab,
      { step: 'STEP_SWAP', node: 'cp2', action: 'fail' },
      { step: 'STEP_FENCE_ETCD', action: { pauseMs: 2000 } },
      { step: 'STEP_UNDO_STOP', action: { pauseMs: 2000 } },
    );
    const inodes = lab.nodes.map(storeInode);
    const stores = (): Tree[] => lab.nodes.map((node) => readTree(node.path('/var/lib/etcd')));
    const isStopped = (): boolean => lab.nodes.every((node) => node.containers('etcd').length === 0);
    const isOld = (): boolean =>
      isStopped() && lab.nodes.every((node, index) => storeInode(node) === inodes[index]);

    const restore = startRestore(lab, snapshot);
    await expect.poll(isStopped, { timeout: 60_000, interval: 20 }).toBe(true);
    const before = stores();
    await restore.reached('undo-started');
    await expect.poll(isOld, { timeout: 60_000, interval: 20 }).toBe(true);
    const after = stores();
    expect(isStopped()).toBe(true);

    expect(after).toEqual(before);
    expect((await restore.ended).exitCode).toBe(3);
    await waitServing(lab);
  });

  it('that takes longer than --max-outage brings OLD back', async () => {
    injectOnAgents(lab, { step: 'STEP_SWAP', node: 'cp2', action: { pauseMs: 6000 } });
    const inodes = lab.nodes.map(storeInode);
    const { said, exitCode } = await runRestore(lab, snapshot, '--max-outage', '2s');
    expect(said).toMatchObject({ outcome: 'rolled-back', code: 'MAX_OUTAGE_EXCEEDED' });
    expect(exitCode).toBe(3);
    expect(lab.nodes.map(storeInode)).toEqual(inodes);
    await waitServing(lab);
  });
});
