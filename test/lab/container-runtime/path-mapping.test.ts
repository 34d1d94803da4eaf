import { expect, it } from 'vitest';
import { mapArgument } from './path-mapping.ts';

const mounts = [
  { containerPath: '/etc/kubernetes/pki', hostPath: '/etc/kubernetes/pki' },
  { containerPath: '/data', hostPath: '/var/lib/etcd' },
  { containerPath: '/data/wal', hostPath: '/wal' },
];

it('maps paths in mounts, alone and after a flag’s name, the longest mount first', () => {
  const map = (argument: string): string => mapArgument(argument, mounts, '/lab');
  expect(map('--data-dir=/data')).toBe('--data-dir=/lab/var/lib/etcd');
  expect(map('--wal-dir=/data/wal/x')).toBe('--wal-dir=/lab/wal/x');
  expect(map('/etc/kubernetes/pki/ca.crt')).toBe('/lab/etc/kubernetes/pki/ca.crt');
});

it('leaves everything else as it is', () => {
  const map = (argument: string): string => mapArgument(argument, mounts, '/lab');
  for (const argument of [
    '--listen=https://127.1.0.1:2379',
    '--x=/database',
    '/usr/bin/true',
    '--client-cert-auth',
  ]) {
    expect(map(argument)).toBe(argument);
  }
});
