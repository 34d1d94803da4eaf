import { expect, it } from 'vitest';
import { type SandboxPage, sandboxPage } from './sandbox.ts';

const LAYOUT = { width: 60, colour: false, unicode: true, wide: false };
const HOSTILE = 'gpu\u001b[31m-metrics\u202e\n';
const ETCD: SandboxPage = {
  file: 'backup.db',
  directory: '/tmp/lockstep-sandbox-Fi5KJc',
  endpoint: 'unix://client:1',
  pid: 4711,
  revision: 184_223n,
  api: undefined,
};
const API: NonNullable<SandboxPage['api']> = {
  url: 'https://127.0.0.1:21817',
  kubeconfig: '/tmp/lockstep-sandbox-Fi5KJc/kubeconfig-of-a-very-long-name',
  version: 'v1.34.2',
  pid: 4712,
  writable: false,
  wrote: [
    { key: '/registry/leases/kube-system/apiserver-7q2', change: 'created' },
    { key: `/registry/priorityclasses/${HOSTILE}`, change: 'changed' },
  ],
  joined: [
    { place: 'configmaps lockstep-evidence/cp1.0' },
    { place: `pods kube-system/${HOSTILE}`, refused: 'Pod is invalid' },
  ],
};

it('breaks no command, and says what is not of the snapshot', () => {
  const page = sandboxPage(LAYOUT, { ...ETCD, api: API });
  expect(page).toEqual(
    expect.arrayContaining([
      `  export KUBECONFIG=${API.kubeconfig}`,
      '  Writes      refused; --writable takes them',
      '  created /registry/leases/kube-system/apiserver-7q2',
      '  changed /registry/priorityclasses/gpu-metrics',
      '  configmaps lockstep-evidence/cp1.0',
      '  not pods kube-system/gpu-metrics : Pod is invalid',
    ]),
  );
});

it('shows a page of what was written, and tells of the rest', () => {
  const wrote = Array.from({ length: 40 }, (_, index) => ({
    key: `/registry/clusterroles/r${index}`,
    change: 'created' as const,
  }));
  const page = sandboxPage(LAYOUT, { ...ETCD, api: { ...API, wrote } });
  expect(page.filter((line) => line.startsWith('  created'))).toHaveLength(12);
  expect(page).toContain('  and 28 more; -o json names them all');
});

it('says nothing of an API where there is none', () => {
  const text = sandboxPage(LAYOUT, ETCD).join('\n');
  expect(text).not.toMatch(/kube|API server/iu);
});
