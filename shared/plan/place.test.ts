import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describesPlace, placeCures } from './place.ts';

const text = (cures: ReturnType<typeof placeCures>): string[] =>
  cures.map(({ key, value }) => `${key.toString('latin1')}=${value.toString()}`);

const live = (entries: Record<string, string>): Map<string, Buffer> =>
  new Map(Object.entries(entries).map(([key, value]) => [key, Buffer.from(value)]));

describe('what a snapshot says of its own place', () => {
  it('goes where the target knows nothing of it, and is the target’s where it does', () => {
    const cures = placeCures(
      '/registry',
      [
        '/registry/minions/a-cp1',
        '/registry/minions/shared',
        '/registry/leases/kube-node-lease/a-cp1',
        '/registry/masterleases/10.0.0.1',
        '/registry/configmaps/kube-public/cluster-info',
        '/registry/pods/default/web',
        '/registry/leases/kube-system/kube-scheduler',
      ],
      live({
        '/registry/minions/b-cp1': 'b1',
        '/registry/minions/shared': 'theirs',
        '/registry/masterleases/10.9.0.1': 'written by its API server',
        '/registry/configmaps/kube-public/cluster-info': 'b',
        '/registry/configmaps/kube-system/kubeadm-config': 'kb',
        '/registry/pods/default/other': 'not of the place',
      }),
    );
    expect(text(cures)).toEqual([
      '/registry/configmaps/kube-public/cluster-info=b',
      '/registry/configmaps/kube-system/kubeadm-config=kb',
      '/registry/leases/kube-node-lease/a-cp1=',
      '/registry/masterleases/10.0.0.1=',
      '/registry/minions/a-cp1=',
      '/registry/minions/b-cp1=b1',
      '/registry/minions/shared=theirs',
    ]);
  });

  it.each([
    ['/registry/minions/x', true],
    ['/registry/minionsx/x', false],
    ['/other/minions/x', false],
    ['/registry/configmaps/kube-system/kubeadm-config-2', false],
    ['/registry/services/endpoints/default/kubernetes', true],
    ['/registry/services/specs/default/kubernetes', false],
    ['/registry/masterleases/10.0.0.1', true],
  ])('%s: %s', (key, of) => {
    expect(describesPlace(key, '/registry')).toBe(of);
  });

  it('leaves exactly the target’s place behind, whatever both hold', () => {
    const key = fc.constantFrom(
      'minions/a',
      'minions/b',
      'csinodes/a',
      'leases/kube-node-lease/b',
      'masterleases/1',
      'configmaps/kube-system/kubeadm-config',
      'endpointslices/default/kubernetes',
      'pods/default/p',
    );
    const store: fc.Arbitrary<Record<string, string>> = fc.dictionary(
      key.map((each) => `/registry/${each}`),
      fc.constantFrom('1', '2'),
    );
    fc.assert(
      fc.property(store, store, (snapshot, target) => {
        const after = new Map(Object.entries(snapshot));
        for (const { key: bytes, value } of placeCures('/registry', Object.keys(snapshot), live(target))) {
          const name = bytes.toString('latin1');
          if (value.length === 0) after.delete(name);
          else after.set(name, value.toString());
        }
        for (const [name, value] of after) {
          const expected = describesPlace(name, '/registry') ? target[name] : snapshot[name];
          expect(value).toBe(expected);
        }
        const transient = (name: string): boolean => name.includes('masterleases');
        const isPlace = (name: string): boolean => describesPlace(name, '/registry');
        const taken = Object.keys(target).filter((name) => isPlace(name) && !transient(name));
        expect(taken.map((name) => after.get(name))).toEqual(taken.map((name) => target[name]));
        const content = Object.keys(snapshot).filter((name) => !isPlace(name));
        expect(content.filter((name) => !after.has(name))).toEqual([]);
      }),
    );
  });
});
