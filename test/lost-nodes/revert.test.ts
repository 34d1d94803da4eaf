import { readFileSync } from 'node:fs';
import { deadline } from '@lockstep/shared/deadline.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeldWatcher } from '../demo/held-watcher.ts';
import { adminClient, apiServers } from '../demo/lab-access.ts';
import {
  put,
  type Said,
  saidBy,
  saveSnapshot,
  storeInode,
  valuesOf,
  waitServing,
} from '../e2e/support/cluster.ts';
import { restored } from '../e2e/support/left-out.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { readTree, type Tree } from '../e2e/support/tree.ts';
import { Lab } from '../lab/lab.ts';

const KEY = '/registry/configmaps/default/deed';
const SINCE = '/registry/configmaps/default/since';

/** A restore that was a mistake is taken back: what was live before it lives again. */
describe('restore revert', () => {
  let lab: Lab;
  let snapshot: string;
  let mistake: string;
  let kept: Tree[];
  let inodes: bigint[];

  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3 });
    await loadObjects(lab);
    await put(lab, KEY, 'then');
    snapshot = await saveSnapshot(lab);
    await put(lab, KEY, 'live before the mistake');
    inodes = lab.nodes.map(storeInode);
    mistake = await restored(lab, snapshot);
    await waitServing(lab);
    kept = keptTrees();
    await put(lab, SINCE, 'written since');
  });
  afterAll(async () => lab?.down());

  const keptPath = (operationId: string): string => `/var/lib/.lockstep/${operationId}/store`;
  const keptTrees = (): Tree[] => lab.nodes.map((node) => readTree(node.path(keptPath(mistake))));

  async function revert(...args: string[]): Promise<{ said: Said; exitCode: number; lines: Said[] }> {
    const ended = await lab.lockstep(['restore', 'revert', mistake, '-o', 'json', ...args], {
      timeoutMs: 180_000,
    });
    const lines = ended.stdout
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Said);
    return { said: saidBy(ended), exitCode: ended.exitCode, lines };
  }

  it('is refused for an operation that nobody knows', async () => {
    const ended = await lab.lockstep(['restore', 'revert', 'r-20200101-000000-nobody', '-o', 'json']);
    expect(saidBy(ended)).toMatchObject({ outcome: 'refused', code: 'OPERATION_NOT_FOUND' });
    expect(ended.exitCode).toBe(5);
  });

  it('is planned first, and names what dies', async () => {
    const before = await valuesOf(lab, KEY);
    expect(new Set(before)).toEqual(new Set(['then']));
    const { said, exitCode, lines } = await revert();
    expect(exitCode).toBe(5);
    expect(said).toMatchObject({ code: 'CONFIRMATION_MISMATCH' });
    const [shown] = lines;
    expect(shown).toMatchObject({
      type: 'plan',
      plan: { subjectOperationId: mistake, consequences: { known: true } },
    });
    const { plan } = shown as unknown as { plan: { consequences: { lostExamples: string[] } } };
    expect(plan.consequences.lostExamples).toContain(SINCE);
    expect(await valuesOf(lab, KEY)).toEqual(before);
  });

  it('brings back what was live before, and tells whoever watches', async () => {
    const watchers = await Promise.all(
      apiServers(lab).map((server) =>
        HeldWatcher.hold(adminClient(lab, server), '/api/v1/configmaps', deadline(10_000)),
      ),
    );
    try {
      const { said, exitCode } = await revert('--confirm', lab.clusterName, '--reason', 'a mistake');
      expect(said, JSON.stringify(said)).toMatchObject({ outcome: 'restored' });
      expect(exitCode).toBe(0);
      await waitServing(lab);
      expect(new Set(await valuesOf(lab, KEY))).toEqual(new Set(['live before the mistake']));
      expect(new Set(await valuesOf(lab, SINCE))).toEqual(new Set(['']));
      for (const watcher of watchers) {
        await expect.poll(() => watcher.toldExpired, { timeout: 20_000 }).toMatch(/^410 /);
      }
    } finally {
      for (const watcher of watchers) watcher[Symbol.dispose]();
    }
  });

  it('leaves the first OLD as it was, to the byte, and keeps what it replaced', async () => {
    expect(keptTrees()).toEqual(kept);
    const { stdout } = await lab.lockstep(['restore', 'report', '-o', 'json']);
    const { report } = JSON.parse(stdout) as { report: { kept: { node: string; path: string }[] } };
    for (const { node, path } of report.kept) {
      expect(path).not.toBe(keptPath(mistake));
      expect(readFileSync(lab.node(node).path(`${path}/member/snap/db`)).length).toBeGreaterThan(0);
    }
    expect(lab.nodes.map(storeInode)).not.toEqual(inodes);
  });
});
