import type { Decoded } from '@lockstep/shared/kubernetes/decoded.ts';
import { describe, expect, test } from 'vitest';
import { liveObjects, visitLive } from './live.ts';
import { placeOf, resourceMatcher } from './resource-name.ts';
import { memoryEvidence } from './testing/memory-evidence.ts';

const evidence = memoryEvidence([
  { main: 2, key: '/registry/pods/a/one', value: '1' },
  { main: 3, key: '/registry/minions/cp1', value: '2' },
  { main: 4, sub: 0, key: '/registry/pods/a/one', value: '3' },
  { main: 4, sub: 1, key: '/registry/pods/b/two', value: '4' },
  { main: 5, key: 'compact_rev_key', value: '4' },
  { main: 6, key: '/registry/pods/b/two' },
  { main: 7, key: '/registry/stable.example.com/crontabs/a/x', value: '5' },
]);
const opaque = { decode: (): Decoded => ({ form: 'opaque', why: 'a test' }) };

function live(select = {}): string[] {
  return [...liveObjects(evidence, opaque, select)].map(
    ({ resource, namespace, name, modRevision }) => `${resource} ${namespace} ${name} ${modRevision}`,
  );
}

describe('the live objects', () => {
  test('are the newest of each key, in order of revision, deleted ones left out', () => {
    expect(live()).toEqual(['nodes  cp1 3', 'pods a one 4', 'crontabs.stable.example.com a x 7']);
  });

  test('are those of a revision where one is asked for', () => {
    expect(live({ revision: 3 })).toEqual(['pods a one 2', 'nodes  cp1 3']);
    expect(live({ revision: 5 })).toContain('pods b two 4');
  });

  test('are chosen by resource, namespace, name and the start of the key', () => {
    expect(live({ resource: 'po' })).toEqual(['pods a one 4']);
    expect(live({ namespace: 'a' })).toEqual(['pods a one 4', 'crontabs.stable.example.com a x 7']);
    expect(live({ keyPrefix: '/registry/min' })).toEqual(['nodes  cp1 3']);
    expect(live({ everyKey: true })).toContain('  compact_rev_key 5');
  });

  test('are visited as rows in the same order', () => {
    const seen: string[] = [];
    visitLive(evidence, {}, (row) => seen.push(Buffer.from(row.value).toString()));
    expect(seen).toEqual(['2', '3', '5']);
  });
});

test.each([
  ['pod', 'pods'],
  ['deploy', 'deployments.apps'],
  ['netpol', 'networkpolicies.networking.k8s.io'],
  ['networkpolicy', 'networkpolicies.networking.k8s.io'],
  ['Ingress', 'ingresses.networking.k8s.io'],
  ['endpoints', 'endpoints'],
  ['crontabs.stable.example.com', 'crontabs.stable.example.com'],
])('%s asks for %s', (asked, resource) => {
  expect(resourceMatcher(asked)(resource)).toBe(true);
  expect(resourceMatcher(asked)('secrets')).toBe(false);
});

test('a group that was named is wanted', () => {
  expect(resourceMatcher('events.events.k8s.io')('events')).toBe(false);
  expect(resourceMatcher('deployments.apps')('deployments.example.com')).toBe(false);
});

test('names are UTF-8 and a key that is none of an object stays whole', () => {
  const key = Buffer.from('/registry/configmaps/a/für').toString('latin1');
  expect(placeOf(key, '/registry')).toEqual({ resource: 'configmaps', namespace: 'a', name: 'für' });
  expect(placeOf('compact_rev_key', '/registry')).toEqual({
    resource: '',
    namespace: '',
    name: 'compact_rev_key',
  });
});
