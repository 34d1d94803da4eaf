import { describe, expect, it } from 'vitest';
import { lastValue, parseFlags } from '../flags.ts';
import { joiningManifest } from './joining-manifest.ts';
import { parseManifest } from './manifest.ts';

const CLUSTER = 'cp1=https://10.0.0.1:2380,cp3=https://10.0.0.3:2380';

function manifest(...flags: string[]): string {
  return [
    'apiVersion: v1',
    'kind: Pod',
    'metadata:',
    '  name: etcd',
    '  namespace: kube-system',
    '  labels: { component: etcd }',
    'spec:',
    '  containers:',
    '    - name: etcd',
    '      image: registry.k8s.io/etcd:3.5.16-0',
    '      command:',
    '        - etcd',
    '        # of this node alone',
    '        - --name=cp3',
    ...flags.map((flag) => `        - ${flag}`),
    '        - --data-dir=/var/lib/etcd',
    '',
  ].join('\n');
}

function flagsOf(text: string): ReturnType<typeof parseFlags> {
  return parseFlags(parseManifest(text)?.main?.words ?? []);
}

describe('a manifest that joins', () => {
  it.each([
    ['the node that began a cluster', ['--initial-cluster=cp3=https://10.0.0.3:2380']],
    [
      'one that joined another',
      ['--initial-cluster=cp1=https://10.0.0.1:2380', '--initial-cluster-state=existing'],
    ],
    ['one that says that it begins', ['--initial-cluster-state=new', '--initial-cluster-token=mine']],
    ['two words for a flag', ['--initial-cluster', 'cp3=https://10.0.0.3:2380', '--quota-backend-bytes=0']],
    ['neither', []],
  ])('is made of %s', (_what, flags) => {
    const flagsNow = flagsOf(joiningManifest(manifest(...flags), CLUSTER));
    expect(flagsNow.get('initial-cluster')).toEqual([CLUSTER]);
    expect(flagsNow.get('initial-cluster-state')).toEqual(['existing']);
    expect(flagsNow.has('initial-cluster-token')).toBe(false);
    expect(lastValue(flagsNow, 'name')).toBe('cp3');
    expect(lastValue(flagsNow, 'data-dir')).toBe('/var/lib/etcd');
  });

  it('keeps everything else, comments too, and is made of itself unchanged', () => {
    const text = joiningManifest(manifest('--listen-metrics-urls=http://127.0.0.1:2381'), CLUSTER);
    expect(text).toContain('# of this node alone');
    expect(text).toContain('--listen-metrics-urls=http://127.0.0.1:2381');
    expect(joiningManifest(text, CLUSTER)).toBe(text);
  });

  it.each([
    ['no pod', 'kind: ConfigMap'],
    ['no command', manifest().replace('- etcd\n', '- /bin/sh\n')],
    ['flags of a file', manifest().replace('      command:', '      args:')],
    ['no YAML', '{ this is: [no pod'],
  ])('is not made of %s', (_what, text) => {
    expect(() => joiningManifest(text, CLUSTER)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_UNPARSABLE' }),
    );
  });
});
