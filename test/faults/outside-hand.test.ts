import { appendFileSync, copyFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  injectOnAgents,
  latestOperation,
  put,
  type Said,
  saidBy,
  saveSnapshot,
  startRestore,
  storeInode,
  valuesOf,
  waitServing,
} from '../e2e/support/cluster.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { Lab } from '../lab/lab.ts';

const KEY = '/registry/configmaps/default/deed';
const MANIFEST = 'kube-apiserver.yaml';
/** Longer than a kubelet takes to notice a manifest: the gate is asked when clients can get in. */
const PAUSE_MS = 4_000;
/** Four tries of the undo, and what is between them. */
const RESUME_TIMEOUT_MS = 120_000;

/** Somebody puts cp2's API server back while members of NEW start. */
describe('an outside hand that lets clients in before the commit', () => {
  let lab: Lab;
  let snapshot: string;
  let live: string;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3, failpoints: true });
    await loadObjects(lab);
    await put(lab, KEY, 'then');
    snapshot = await saveSnapshot(lab);
    await put(lab, KEY, 'now');
    live = lab.node('cp2').path(`/etc/kubernetes/manifests/${MANIFEST}`);
  });
  afterEach(() => injectOnAgents(lab));
  afterAll(async () => lab?.down());

  async function restoreWith(
    hand: (parked: string) => void,
  ): Promise<{ said: Said; exitCode: number; operationId: string }> {
    injectOnAgents(lab, { node: 'cp2', step: 'STEP_START_ETCD', action: { pauseMs: PAUSE_MS } });
    const restore = startRestore(lab, snapshot);
    // Before its kubelet is let start again it is the step itself that finds the manifest.
    await restore.reached('node-progress', { node: 'cp2', step: 'starting kubelet', done: true });
    const operationId = await latestOperation(lab);
    hand(lab.node('cp2').path(`/etc/kubernetes/lockstep/${operationId}/${MANIFEST}`));
    return { ...(await restore.ended), operationId };
  }

  it.each<[string, (parked: string, live: string) => void]>([
    ['copied', copyFileSync],
    ['moved', renameSync],
  ])('fails the gate, and OLD comes back with the manifest that it had: %s', async (_how, hand) => {
    const inodes = lab.nodes.map(storeInode);
    const manifest = statSync(live).ino;
    const { said, exitCode } = await restoreWith((parked) => hand(parked, live));
    expect(said).toMatchObject({ outcome: 'rolled-back', code: 'GATE_API_SERVER' });
    expect(exitCode).toBe(3);
    expect(lab.nodes.map(storeInode)).toEqual(inodes);
    expect(statSync(live).ino).toBe(manifest);
    await waitServing(lab);
    expect(new Set(await valuesOf(lab, KEY))).toEqual(new Set(['now']));
  });

  it('waits for a person where the manifest was changed, and goes on once it is away', async () => {
    const inodes = lab.nodes.map(storeInode);
    const { said, exitCode, operationId } = await restoreWith((parked) => {
      copyFileSync(parked, live);
      appendFileSync(live, '# changed\n');
    });
    expect(said).toMatchObject({ outcome: 'needs-operator', code: 'UNDO_FAILED' });
    expect(JSON.stringify(said)).toContain('MANIFEST_CONFLICT');
    expect(exitCode).toBe(4);

    rmSync(live);
    const resumed = await lab.lockstep(['restore', 'resume', operationId, '-o', 'json'], {
      timeoutMs: RESUME_TIMEOUT_MS,
    });
    expect(saidBy(resumed)).toMatchObject({ outcome: 'rolled-back' });
    expect(lab.nodes.map(storeInode)).toEqual(inodes);
    await waitServing(lab);
    expect(new Set(await valuesOf(lab, KEY))).toEqual(new Set(['now']));
  });
});
