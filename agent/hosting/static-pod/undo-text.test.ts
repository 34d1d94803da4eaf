import { Inode } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { ManifestReport, StoreReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { EtcdMemberPlan, NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { expect, test } from 'vitest';

import { undoText } from './undo-text.ts';

const PATHS = { parkedDir: '/etc/kubernetes/lockstep/op-1', operationId: 'op-1' };
const SETTINGS = {
  runtimeSocket: '/run/containerd/containerd.sock',
  holdFile: '/var/lib/lockstep/kubelet.hold',
  dropIn: '/etc/systemd/system/kubelet.service.d/99-lockstep-hold.conf',
};
const planOf = (dataDir: string, isMountPoint: boolean): NodePlan =>
  NodePlan.create({
    node: 'cp1',
    staticPodPath: '/etc/kubernetes/manifests',
    kubeletUnit: 'kubelet.service',
    manifests: [
      ManifestReport.create({ component: 'etcd', fileName: 'etcd.yaml' }),
      ManifestReport.create({ component: '', fileName: 'kube-vip.yaml' }),
    ],
    etcd: EtcdMemberPlan.create({
      dataDir,
      oldStore: StoreReport.create({ isMountPoint, dbInode: Inode.create({ number: 4711n }) }),
    }),
  });

test('names this node’s own paths and OLD’s inode, and leaves a VIP alone', () => {
  const otherStore = '/var/lib/.lockstep/op-1/store';
  const text = undoText(planOf('/var/lib/etcd', false), { ...PATHS, otherStore }, SETTINGS);
  expect(text).toContain('    OLD=4711\n    stat -c %i /var/lib/etcd/member/snap/db\n');
  expect(text).toContain(`mv -T ${otherStore} /var/lib/etcd\n`);
  expect(text).not.toContain('kube-vip');
  expect(text).not.toMatch(/undefined|<|TODO/u);
});

test('exchanges member/ where the data directory is a mount point', () => {
  const otherStore = '/data/etcd/.lockstep/op-1/store/member';
  const text = undoText(planOf('/data/etcd', true), { ...PATHS, otherStore }, SETTINGS);
  expect(text).toContain(`mv -T ${otherStore} /data/etcd/member\n`);
  expect(text).toContain('stat -c %i /data/etcd/member/snap/db\n');
});

test('a path is one word for the shell, whatever is in it', () => {
  const text = undoText(planOf("/data/it's etcd", false), { ...PATHS, otherStore: '/o' }, SETTINGS);
  expect(text).toContain(String.raw`mv -T /o '/data/it'\''s etcd'`);
});
