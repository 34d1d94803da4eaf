import { describe, expect, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import { locateAllEtcd } from '../lab/tools/locate.ts';
import {
  hashesAt,
  planRestore,
  put,
  runRestore,
  type SaidRefusal,
  saveSnapshot,
  valuesOf,
  waitServing,
} from './support/cluster.ts';
import { loadObjects } from './support/objects.ts';

/** The whole of the tests runs on the newest etcd found; here the main job runs on each other. */
const [newest, ...others] = await locateAllEtcd();

/** The first that can bump revisions: older ones need a person's reason. */
function canBump(version: string): boolean {
  const [, minor = 0, patch = 0] = version.split('.').map(Number);
  return minor > 5 || (minor === 5 && patch >= 10) || (minor === 4 && patch >= 27);
}

describe('the main job', () => {
  it('has an etcd to run on', () => {
    expect(newest?.version).toMatch(/^3\.\d+\.\d+$/);
  });

  it.each(others.map(({ version }) => version))('on etcd %s', async (version) => {
    await using lab = await Lab.up({ nodes: 3, etcdVersion: version });
    await loadObjects(lab);
    await put(lab, '/registry/configmaps/default/deed', 'good');
    const snapshot = await saveSnapshot(lab);
    await put(lab, '/registry/configmaps/default/deed', 'bad');
    const overrides = canBump(version) ? [] : ['--override', 'BUMP_UNAVAILABLE=clients are restarted'];
    const { said: plan } = await planRestore(lab, snapshot);
    const refusals = (plan['refusals'] as SaidRefusal[]).map(({ code }) => code);
    expect(refusals).toEqual(canBump(version) ? [] : ['BUMP_UNAVAILABLE']);
    const { said, exitCode } = await runRestore(lab, snapshot, ...overrides);
    expect(exitCode, JSON.stringify(said)).toBe(0);
    await waitServing(lab);
    expect(new Set(await valuesOf(lab, '/registry/configmaps/default/deed'))).toEqual(new Set(['good']));
    expect(new Set((await hashesAt(lab)).hashes).size).toBe(1);
  });
});
