import { Container, PodSandbox } from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import { describe, expect, test } from 'vitest';

import { collectStaticPods, parsePid } from './cri.ts';

const sandbox = (change: Partial<PodSandbox> = {}): PodSandbox =>
  PodSandbox.create({
    id: 's1',
    labels: {
      component: 'etcd',
      'io.kubernetes.pod.namespace': 'kube-system',
      'io.kubernetes.pod.name': 'etcd-cp1',
      'io.kubernetes.pod.uid': 'u1',
    },
    annotations: { 'kubernetes.io/config.source': 'file' },
    ...change,
  });
const container = (change: Partial<Container> = {}): Container =>
  Container.create({
    id: 'c1',
    podSandboxId: 's1',
    metadata: { name: 'etcd', attempt: 0 },
    labels: { 'io.kubernetes.pod.namespace': 'kube-system', 'io.kubernetes.pod.name': 'etcd-cp1' },
    ...change,
  });

describe('static pods', () => {
  test('are joined from sandboxes and their containers', () => {
    const [pod] = collectStaticPods([sandbox()], [container(), container({ podSandboxId: 's9' })], ['etcd']);
    expect(pod).toMatchObject({ sandboxId: 's1', component: 'etcd', name: 'etcd-cp1', uid: 'u1' });
    expect(pod?.containers.map(({ id }) => id)).toEqual(['c1']);
  });

  test('a container whose sandbox is gone is not forgotten', () => {
    const [pod] = collectStaticPods([], [container()], ['etcd']);
    expect(pod?.containers.map(({ id }) => id)).toEqual(['c1']);
  });

  test.each<[string, Partial<PodSandbox>]>([
    ['of the API', { annotations: { 'kubernetes.io/config.source': 'api' } }],
    ['of another namespace', { labels: { component: 'etcd', 'io.kubernetes.pod.namespace': 'tenant' } }],
    ['of another component', { labels: { component: 'vip', 'io.kubernetes.pod.namespace': 'kube-system' } }],
  ])('pods %s are not ours', (_, change) => {
    expect(collectStaticPods([sandbox(change)], [container()], ['etcd'])).toEqual([]);
  });
});

test.each([
  [{ info: '{"sandboxID":"s1","pid":4711}' }, 4711],
  [{ info: '{"pid":0}' }, undefined],
  [{ info: 'no JSON' }, undefined],
  [{}, undefined],
])('the verbose status %j tells process %s', (info, pid) => {
  expect(parsePid(info as Record<string, string>)).toBe(pid);
});
