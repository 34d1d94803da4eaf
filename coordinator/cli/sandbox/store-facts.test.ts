import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import { expect, it } from 'vitest';
import { memoryEvidence } from '../../analysis/testing/memory-evidence.ts';
import { type StoreFacts, storeFacts } from './store-facts.ts';

function factsOf(objects: Readonly<Record<string, object>>): StoreFacts {
  const rows = Object.entries(objects).map(([key, object], index) => ({
    main: index + 2,
    key,
    value: JSON.stringify(object),
  }));
  return storeFacts(memoryEvidence(rows), new Decoder());
}

function node(kubeletVersion: string): object {
  return { kind: 'Node', apiVersion: 'v1', metadata: {}, status: { nodeInfo: { kubeletVersion } } };
}

function kubeadm(version: string): object {
  const ClusterConfiguration = `kind: ClusterConfiguration\nkubernetesVersion: ${version}\n`;
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata: {}, data: { ClusterConfiguration } };
}

function serviceCidr(...cidrs: readonly string[]): object {
  return { kind: 'ServiceCIDR', apiVersion: 'networking.k8s.io/v1', metadata: {}, spec: { cidrs } };
}

it('the version is that of the control plane, or of a newer kubelet', () => {
  const config = '/registry/configmaps/kube-system/kubeadm-config';
  const version = (objects: Readonly<Record<string, object>>): string => factsOf(objects).kubernetesVersion;
  expect(version({ [config]: kubeadm('v1.34.2') })).toBe('v1.34.2');
  expect(version({ [config]: kubeadm('v1.9.2'), '/registry/minions/a': node('v1.10.0') })).toBe('v1.10.0');
  expect(version({ [config]: kubeadm('v1.34.2'), '/registry/minions/a': node('v1.33.9') })).toBe('v1.34.2');
  expect(version({})).toBe('');
});

it('the ranges of services are the newer kind’s, else those of the older allocation', () => {
  const range = { kind: 'RangeAllocation', apiVersion: 'v1', metadata: {}, range: '10.96.0.0/12', data: '' };
  const older = { '/registry/ranges/serviceips': range };
  expect(factsOf(older).serviceRanges).toBe('10.96.0.0/12');
  const both = { ...older, '/registry/servicecidrs/kubernetes': serviceCidr('10.100.0.0/16', 'fd00::/108') };
  expect(factsOf(both).serviceRanges).toBe('10.100.0.0/16,fd00::/108');
  expect(factsOf({}).serviceRanges).toBeUndefined();
});

it('what is no range becomes no word of a command', () => {
  const hostile = { '/registry/servicecidrs/kubernetes': serviceCidr('10.0.0.0/8 --anonymous-auth=true') };
  expect(factsOf(hostile).serviceRanges).toBeUndefined();
});
