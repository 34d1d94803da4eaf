import { describe, expect, it } from 'vitest';
import { NodeReport } from '../generated/lockstep/v1/node.ts';
import { driftDifferences, driftFields, driftSha256 } from './drift.ts';

const report = (change: object = {}): NodeReport =>
  NodeReport.fromPartial({
    node: 'cp1',
    cluster: 'lab',
    ledgerId: 'a',
    clockMs: 1n,
    etcd: {
      name: 'cp1',
      revision: 7n,
      members: [
        { id: '1', name: 'cp1', peerUrls: ['https://a:2380'] },
        { id: '2', name: 'cp2', peerUrls: ['https://b:2380'] },
      ],
      store: { dataDirInode: { device: 1n, number: 2n }, dbInode: { device: 1n, number: 3n }, mode: 0o40700 },
    },
    manifests: [{ fileName: 'etcd.yaml', sha256: 'x', inode: { device: 1n, number: 9n }, mode: 0o100600 }],
    kubelet: { unit: 'kubelet.service', active: true },
    tools: [{ name: 'etcdutl', sha256: 't', version: '3.5.16', source: 'configured' }],
    disks: [{ purpose: 'data', freeBytes: 10n }],
    ...change,
  });

const digest = (of: NodeReport): string => driftSha256(driftFields(of));

describe('drift', () => {
  it('does not count what moves by itself', () => {
    const before = report();
    const after = report({
      clockMs: 99n,
      disks: [{ purpose: 'data', freeBytes: 1n }],
      etcdClients: ['1.2.3.4:5'],
    });
    if (after.etcd === undefined || before.etcd === undefined) throw new Error('no etcd');
    after.etcd.revision = 1000n;
    after.etcd.leader = true;
    after.etcd.members.reverse();
    after.kubelet?.dropIns.push('/etc/systemd/system/kubelet.service.d/99-lockstep-hold.conf');
    expect(digest(after)).toBe(digest(before));
  });

  it.each([
    ['ledger', { ledgerId: 'b' }],
    ['manifest.etcd.yaml', { manifests: [{ fileName: 'etcd.yaml', sha256: 'y' }] }],
    ['manifest.copy.yaml', { manifests: [...report().manifests, { fileName: 'copy.yaml', sha256: 'x' }] }],
    ['kubelet.active', { kubelet: { unit: 'kubelet.service', active: false } }],
    [
      'tool.etcdutl.configured',
      { tools: [{ name: 'etcdutl', sha256: 'u', version: '3.5.16', source: 'configured' }] },
    ],
    [
      'store.dataDirInode',
      {
        etcd: {
          ...report().etcd,
          store: { ...report().etcd?.store, dataDirInode: { device: 1n, number: 5n } },
        },
      },
    ],
  ])('counts and names a change of %s', (field, change) => {
    const differences = driftDifferences(driftFields(report()), driftFields(report(change)));
    expect(differences.map((difference) => difference.field)).toStrictEqual([field]);
    expect(digest(report(change))).not.toBe(digest(report()));
  });
});
