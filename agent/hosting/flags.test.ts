import { describe, expect, test } from 'vitest';

import { allValues, booleanValue, featureGate, lastValue, listValue, parseFlags, runsEtcd } from './flags.ts';

describe('flags of a command', () => {
  test('are read in every spelling that Go takes', () => {
    const flags = parseFlags([
      'etcd',
      '--name=m1',
      '--data-dir',
      '/var/lib/etcd',
      '-wal-dir=/wal',
      '--debug',
    ]);
    expect(Object.fromEntries(flags)).toEqual({
      name: ['m1'],
      'data-dir': ['/var/lib/etcd'],
      'wal-dir': ['/wal'],
      debug: ['true'],
    });
  });

  test('a boolean takes no word after it', () => {
    const flags = parseFlags(['etcd', '--client-cert-auth', '--name', 'm1', '--force-new-cluster', 'word']);
    expect(booleanValue(flags, 'client-cert-auth')).toBe(true);
    expect(lastValue(flags, 'name')).toBe('m1');
    expect(booleanValue(flags, 'force-new-cluster')).toBe(true);
  });

  test('a value may hold an equals sign, a dash or nothing', () => {
    const flags = parseFlags(['--initial-cluster=m1=https://a:2380,m2=https://b:2380', '--x=', '--y=-1']);
    expect(lastValue(flags, 'initial-cluster')).toBe('m1=https://a:2380,m2=https://b:2380');
    expect(lastValue(flags, 'x')).toBe('');
    expect(lastValue(flags, 'y')).toBe('-1');
  });

  test('the last of a flag counts, and lists may be spread', () => {
    const flags = parseFlags(['--name=a', '--name=b', '--urls=x, y', '--urls=z']);
    expect(lastValue(flags, 'name')).toBe('b');
    expect(listValue(flags, 'urls')).toEqual(['z']);
    expect(allValues(flags, 'urls')).toEqual(['x', 'y', 'z']);
  });

  test('ends at a double dash', () => {
    expect(parseFlags(['--a=1', '--', '--b=2']).has('b')).toBe(false);
  });

  test.each([
    ['--feature-gates=InitialCorruptCheck=true', true],
    ['--feature-gates=Other=true,InitialCorruptCheck=True', true],
    ['--feature-gates=InitialCorruptCheck=true,InitialCorruptCheck=false', false],
    ['--feature-gates=NotInitialCorruptCheck=true', false],
  ])('%s switches the gate: %s', (word, on) => {
    expect(featureGate(parseFlags([word]), 'InitialCorruptCheck')).toBe(on);
  });
});

test.each([
  [['etcd', '--name=m1'], true],
  [['/usr/local/bin/etcd'], true],
  [['/bin/sh', '-c', 'exec etcd --name=m1'], true],
  [['/bin/sh', '-c', 'cd / && /usr/local/bin/etcd'], true],
  [['kube-apiserver', '--etcd-servers=https://127.0.0.1:2379'], false],
  [['etcdctl', 'endpoint', 'health'], false],
  [['kube-vip', 'manager'], false],
])('%j runs etcd: %s', (words, runs) => {
  expect(runsEtcd(words)).toBe(runs);
});
