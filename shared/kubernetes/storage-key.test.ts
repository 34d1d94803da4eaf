import { describe, expect, it } from 'vitest';
import { groupResourceOf, parseStorageKey } from './storage-key.ts';

describe('parseStorageKey', () => {
  it.each([
    ['/registry/pods/default/a', 'pods', 'default', 'a'],
    ['/registry/namespaces/kube-system', 'namespaces', '', 'kube-system'],
    ['/registry/minions/cp1', 'minions', '', 'cp1'],
    ['/registry/services/specs/default/kubernetes', 'services/specs', 'default', 'kubernetes'],
    ['/registry/services/endpoints/default/kubernetes', 'services/endpoints', 'default', 'kubernetes'],
    ['/registry/ranges/serviceips', 'ranges/serviceips', '', ''],
    ['/registry/masterleases/10.0.0.1', 'masterleases', '', '10.0.0.1'],
    ['/registry/clusterrolebindings/system:node', 'clusterrolebindings', '', 'system:node'],
    ['/registry/stable.example.com/crontabs/team/x', 'stable.example.com/crontabs', 'team', 'x'],
    ['/registry/cluster.example.com/things/x', 'cluster.example.com/things', '', 'x'],
    [
      '/registry/apiregistration.k8s.io/apiservices/v1.apps',
      'apiregistration.k8s.io/apiservices',
      '',
      'v1.apps',
    ],
    ['/registry/health', 'health', '', ''],
  ])('%s', (key, resource, namespace, name) => {
    expect(parseStorageKey(key, '/registry')).toEqual({ resource, namespace, name });
  });

  it('knows its prefix', () => {
    expect(parseStorageKey('compact_rev_key', '/registry')).toBeUndefined();
    expect(parseStorageKey('/registry-old/pods/a/b', '/registry')).toBeUndefined();
    expect(parseStorageKey('/a/b/pods/c/d', '/a/b')).toEqual({ resource: 'pods', namespace: 'c', name: 'd' });
  });
});

describe('groupResourceOf', () => {
  it.each([
    ['secrets', '', 'secrets'],
    ['minions', '', 'nodes'],
    ['controllers', '', 'replicationcontrollers'],
    ['services/specs', '', 'services'],
    ['ingress', 'networking.k8s.io', 'ingresses'],
    ['deployments', 'apps', 'deployments'],
    ['leases', 'coordination.k8s.io', 'leases'],
    ['stable.example.com/crontabs', 'stable.example.com', 'crontabs'],
  ])('%s', (storage, group, resource) => {
    expect(groupResourceOf(storage)).toEqual({ group, resource });
  });
});
