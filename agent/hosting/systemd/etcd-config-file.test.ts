import { expect, test } from 'vitest';
import { settingsOf } from '../etcd-settings.ts';
import { flagsOfConfigFile } from './etcd-config-file.ts';

const FILE = `name: etcd1
data-dir: /var/lib/etcd
listen-client-urls: https://10.0.0.1:2379,https://127.0.0.1:2379
listen-peer-urls: https://10.0.0.1:2380
initial-advertise-peer-urls: https://10.0.0.1:2380
advertise-client-urls: https://10.0.0.1:2379
quota-backend-bytes: 8589934592
feature-gates: InitialCorruptCheck=true
force-new-cluster: false
client-transport-security:
  cert-file: /etc/etcd/server.crt
  key-file: /etc/etcd/server.key
  trusted-ca-file: /etc/etcd/ca.crt
  client-cert-auth: true
peer-transport-security:
  cert-file: /etc/etcd/peer.crt
  key-file: /etc/etcd/peer.key
  trusted-ca-file: /etc/etcd/peer-ca.crt
`;

test('etcd’s configuration file says what the flags would', () => {
  expect(settingsOf(flagsOfConfigFile(FILE), (path) => path, '')).toMatchObject({
    name: 'etcd1',
    dataDir: '/var/lib/etcd',
    walDir: '',
    listenClientUrls: ['https://10.0.0.1:2379', 'https://127.0.0.1:2379'],
    initialAdvertisePeerUrls: ['https://10.0.0.1:2380'],
    quotaBytes: 8_589_934_592n,
    initialCorruptCheck: true,
    forceNewCluster: false,
    certFile: '/etc/etcd/server.crt',
    trustedCaFile: '/etc/etcd/ca.crt',
    peerCertFile: '/etc/etcd/peer.crt',
    peerTrustedCaFile: '/etc/etcd/peer-ca.crt',
  });
});

test.each([
  ['no YAML', '{'],
  ['a list', '- a\n'],
  ['a word', 'etcd\n'],
])('%s is none', (_what, text) => {
  expect(() => flagsOfConfigFile(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});
