import { expect, it } from 'vitest';
import { apiServerWords, requireFitting } from './api-server.ts';

const FILES = {
  ca: '/d/ca.crt',
  serverCertificate: '/d/server.crt',
  serverKey: '/d/server.key',
  serviceAccountKey: '/d/service-account.key',
  serviceAccountPublicKey: '/d/service-account.pub',
  egress: '/d/egress.json',
  policy: '/d/policy.jsonl',
  encryption: undefined,
};
const FACTS = { prefix: '/registry', serviceRanges: undefined, kubernetesVersion: 'v1.34.2' };

it('listens on loopback, knows nobody without a certificate and calls nobody', () => {
  const words = apiServerWords(FILES, FACTS, 20_000);
  expect(words).toEqual(
    expect.arrayContaining([
      '--bind-address=127.0.0.1',
      '--anonymous-auth=false',
      '--etcd-servers=unix://client:1',
      '--etcd-compaction-interval=0',
      '--egress-selector-config-file=/d/egress.json',
    ]),
  );
  expect(words.some((word) => word.startsWith('--service-cluster-ip-range'))).toBe(false);
});

it('takes no writes by a policy of its own, never by the roles of the store', () => {
  expect(apiServerWords(FILES, FACTS, 1)).toContain('--authorization-mode=ABAC');
  expect(apiServerWords({ ...FILES, policy: undefined }, FACTS, 1)).toContain('--authorization-mode=RBAC');
});

function judge(version: string, kubernetesVersion: string): () => void {
  return () => requireFitting({ path: '/p/kube-apiserver', version }, { ...FACTS, kubernetesVersion });
}

it.each([
  ['v1.34.0', 'v1.34.9'],
  ['v1.37.2', 'v1.34.2'],
  ['v1.38.0', ''],
  ['v1.34.1+k3s1', 'v1.34.2+k3s1'],
])('kube-apiserver %s fits a store of "%s"', (version, stored) => {
  expect(judge(version, stored)).not.toThrow();
});

it.each([
  ['v1.33.5', 'v1.34.2'],
  ['v1.38.0', 'v1.34.2'],
])('kube-apiserver %s is refused for a store of %s', (version, stored) => {
  expect(judge(version, stored)).toThrowError(expect.objectContaining({ code: 'API_SERVER_MISMATCH' }));
});
