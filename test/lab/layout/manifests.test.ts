import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { etcdCommand, type ManifestInput, manifests } from './manifests.ts';

const cp1 = { name: 'cp1', address: '127.9.0.1' };
const cp2 = { name: 'cp2', address: '127.9.0.2' };

const input: ManifestInput = {
  node: 'cp2',
  address: cp2.address,
  etcdVersion: '3.5.16',
  kubernetesVersion: 'v1.34.1',
  initialCluster: [cp1, cp2],
  encryption: false,
};

it('gives the first node no cluster state and a joiner all members so far', () => {
  const first = etcdCommand({ ...input, node: 'cp1', address: cp1.address, initialCluster: [cp1] });
  expect(first).toContain('--initial-cluster=cp1=https://127.9.0.1:2380');
  expect(first.join(' ')).not.toContain('initial-cluster-state');
  expect(etcdCommand(input)).toEqual(
    expect.arrayContaining([
      '--initial-cluster=cp1=https://127.9.0.1:2380,cp2=https://127.9.0.2:2380',
      '--initial-cluster-state=existing',
    ]),
  );
});

it('turns on the corruption check by the name that the version knows', () => {
  expect(etcdCommand(input)).toContain('--experimental-initial-corrupt-check=true');
  expect(etcdCommand({ ...input, etcdVersion: '3.4.23' })).toContain(
    '--experimental-initial-corrupt-check=true',
  );
  const newer = etcdCommand({ ...input, etcdVersion: '3.6.16' });
  expect(newer).toContain('--feature-gates=InitialCorruptCheck=true');
  expect(newer.join(' ')).not.toContain('experimental');
});

it('writes pods with kubeadm’s labels, versions in tags, and volumes that make what is missing', () => {
  const etcd = parse(manifests(input).etcd) as {
    metadata: { labels: unknown };
    spec: { containers: { image: string }[]; volumes: unknown[] };
  };
  expect(etcd.metadata.labels).toEqual({ component: 'etcd', tier: 'control-plane' });
  expect(etcd.spec.containers[0]?.image).toBe('registry.k8s.io/etcd:3.5.16-0');
  expect(etcd.spec.volumes).toContainEqual({
    hostPath: { path: '/var/lib/etcd', type: 'DirectoryOrCreate' },
    name: 'etcd-data',
  });
  expect(manifests({ ...input, encryption: true })['kube-apiserver']).toContain(
    '--encryption-provider-config=',
  );
});
