import { expect, test } from 'vitest';
import { parseDurationMs, parseFlags } from './flags.ts';

const NEEDED = [
  '--advertise-address=127.9.0.1',
  '--etcd-servers=https://127.0.0.1:2379,https://127.0.0.2:2379',
  '--tls-cert-file=/pki/apiserver.crt',
  '--tls-private-key-file=/pki/apiserver.key',
  '--client-ca-file=/pki/ca.crt',
];

test("kubeadm's flags are read, unknown ones ignored", () => {
  const flags = parseFlags([
    'kube-apiserver',
    ...NEEDED,
    '--allow-privileged=true',
    '--enable-bootstrap-token-auth',
    '--etcd-prefix=/other/',
  ]);
  expect(flags).toMatchObject({
    advertiseAddress: '127.9.0.1',
    securePort: 6443,
    etcdServers: ['https://127.0.0.1:2379', 'https://127.0.0.2:2379'],
    etcdPrefix: '/other',
    etcdCaFile: undefined,
    etcdCompactionIntervalMs: 300_000,
  });
});

test('a missing flag is named', () => {
  expect(() => parseFlags(NEEDED.slice(1))).toThrow('--advertise-address');
});

test.each([
  ['5m0s', 300_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['0', 0],
])('%s is %i ms', (text, expectedMs) => {
  expect(parseDurationMs(text)).toBe(expectedMs);
});

test('a number without a unit is no duration', () => {
  expect(() => parseDurationMs('10')).toThrow('not a duration');
});
