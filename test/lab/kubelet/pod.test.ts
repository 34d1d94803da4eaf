import { expect, it } from 'vitest';
import { apiPod, fullName, staticPod } from './pod.ts';

const MANIFEST = `
apiVersion: v1
kind: Pod
metadata:
  name: etcd
  namespace: kube-system
  labels: { component: etcd }
spec:
  containers:
    - name: etcd
      image: registry.k8s.io/etcd:3.5.16-0
`;

const options = { node: 'cp1', path: '/etc/kubernetes/manifests/etcd.yaml', seen: new Date(0) };

it('names a static pod after its node and marks its source', () => {
  const pod = staticPod(MANIFEST, options);
  expect(fullName(pod)).toBe('kube-system/etcd-cp1');
  expect(pod.annotations['kubernetes.io/config.source']).toBe('file');
  expect(pod.graceMs).toBe(30_000);
});

it('gives the same file the same uid, and an edited or renamed one another', () => {
  const { uid } = staticPod(MANIFEST, options);
  expect(staticPod(MANIFEST, { ...options, seen: new Date(1) }).uid).toBe(uid);
  expect(staticPod(MANIFEST.replace('3.5.16', '3.5.17'), options).uid).not.toBe(uid);
  expect(staticPod(MANIFEST, { ...options, path: `${options.path}.backup` }).uid).not.toBe(uid);
});

it('refuses what is no pod', () => {
  expect(() => staticPod('kind: ConfigMap\napiVersion: v1\n', options)).toThrow('Pod');
  expect(() => staticPod(': : :', options)).toThrow('Nested mappings');
  expect(() => staticPod(MANIFEST.replace('name: etcd\n      image', 'image'), options)).toThrow('name');
});

it('takes pods of the API but mirror pods and those being deleted', () => {
  const pod = { metadata: { name: 'web', uid: 'u1' }, spec: { containers: [{ name: 'web' }] } };
  expect(apiPod(pod)).toMatchObject({ uid: 'u1', name: 'web', namespace: 'default', source: 'api' });
  const mirror = {
    ...pod,
    metadata: { ...pod.metadata, annotations: { 'kubernetes.io/config.mirror': 'h' } },
  };
  expect(apiPod(mirror)).toBeUndefined();
  expect(apiPod({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'now' } })).toBeUndefined();
  expect(apiPod({ metadata: { name: 'stored' }, storedBytes: '' })).toBeUndefined();
});
