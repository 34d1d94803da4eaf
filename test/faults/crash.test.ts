import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  hashesAt,
  latestOperation,
  put,
  saveSnapshot,
  startRestore,
  valuesOf,
  waitEnded,
  waitServing,
} from '../e2e/support/cluster.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { Lab } from '../lab/lab.ts';

const PHASES = [
  'promise',
  'stage',
  'build',
  'safeguard',
  're-inspect',
  'fence',
  'swap',
  'start-etcd',
  'commit',
  'start-api',
  'start-controllers',
] as const;

/**
 * A program is killed as soon as a phase has begun. After a restart the operation finishes or
 * undoes by itself; nobody asks it to.
 */
describe.each(['coordinator', 'coordinator and its journal', 'agent'] as const)('SIGKILL of %s', (victim) => {
  let lab: Lab;
  let snapshot: string;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3 });
    await loadObjects(lab);
    await put(lab, '/registry/configmaps/default/deed', 'good');
    snapshot = await saveSnapshot(lab);
  });
  afterAll(async () => lab?.down());

  it.each(PHASES)('in %s', async (phase) => {
    await put(lab, '/registry/configmaps/default/deed', 'bad');
    const restore = startRestore(lab, snapshot);
    await restore.reached('phase-started', { phase });
    if (victim === 'agent') {
      await lab.node('cp2').kill('lockstep-agent');
    } else {
      await lab.coordinator.kill();
      if (victim !== 'coordinator')
        rmSync(join(lab.directory, 'coordinator/state'), { recursive: true, force: true });
      await delay(300);
      await lab.coordinator.start();
    }
    await restore.ended.catch(() => {});
    const outcome = await waitEnded(lab, await latestOperation(lab));
    expect(['restored', 'rolled-back']).toContain(outcome);
    await waitServing(lab);
    const { hashes } = await hashesAt(lab);
    expect(new Set(hashes).size).toBe(1);
    const now = outcome === 'restored' ? 'good' : 'bad';
    expect(new Set(await valuesOf(lab, '/registry/configmaps/default/deed'))).toEqual(new Set([now]));
  });
});
