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

const UNIT = {
  holdFile: '/var/lib/lockstep/etcd.hold',
  dropIn: '/etc/systemd/system/etcd.service.d/99-lockstep-hold.conf',
};

test('a unit is held, killed and started by its name, and no kubelet is spoken of', () => {
  const plan = NodePlan.create({
    ...planOf('/var/lib/etcd', false),
    hosting: 'systemd',
    etcdUnit: 'etcd.service',
    manifests: [],
    kubeletUnit: '',
    staticPodPath: '',
  });
  const otherStore = '/var/lib/.lockstep/op-1/store';
  const text = undoText(plan, { ...PATHS, otherStore }, { ...SETTINGS, etcdUnit: UNIT });
  expect(text).toContain(`    echo op-1 > ${UNIT.holdFile}\n    systemctl stop etcd.service\n`);
  expect(text).toContain('systemctl kill -s SIGKILL etcd.service\n');
  expect(text).toContain(`mv -T ${otherStore} /var/lib/etcd\n`);
  // The hold goes before the start, and nobody waits for a quorum that others are part of.
  expect(text).toContain(
    `systemctl reset-failed etcd.service\n    rm -f ${UNIT.holdFile}\n    systemctl start --no-block etcd.service\n`,
  );
  expect(text).not.toMatch(/kubelet|crictl|manifest|undefined/u);
  expect(text).toContain('Do steps 1 to 4 on EVERY node before step 5 on any');
});

test('a control plane without a member has no store to look at', () => {
  const plan = NodePlan.create({
    ...planOf('', false),
    etcd: undefined,
    manifests: [ManifestReport.create({ component: 'kube-apiserver', fileName: 'kube-apiserver.yaml' })],
  });
  const text = undoText(plan, { ...PATHS, otherStore: undefined }, SETTINGS);
  expect(text).toContain('This node has no member of etcd');
  expect(text).toContain('kube-apiserver.yaml');
  expect(text).not.toMatch(/\/proc\/locks|mv -T|OLD=|undefined/u);
  expect(text).toContain('Do steps 1 to 3 on EVERY node before step 4 on any');
});
