import { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import { isSafeName, nodePaths, operationPaths, parkedDirOf, plannedComponents } from './paths.ts';

const plan = (isMountPoint: boolean, dataDir = '/var/lib/etcd'): NodePlan =>
  NodePlan.fromPartial({
    node: 'cp1',
    staticPodPath: '/etc/kubernetes/manifests',
    etcd: { dataDir, oldStore: { isMountPoint } },
    manifests: [{ component: 'kube-apiserver' }, { component: '' }, { component: 'etcd' }],
  });

const notAllowed = expect.objectContaining({ code: 'PATH_NOT_ALLOWED' }) as Error;

describe('paths of an operation', () => {
  it('stages beside the data directory and exchanges the whole of it', () => {
    expect(operationPaths(plan(false), 'r-1', '/var/lib/lockstep')).toStrictEqual({
      operationDir: '/var/lib/lockstep/operations/r-1',
      planFile: '/var/lib/lockstep/operations/r-1/plan.json',
      undoFile: '/var/lib/lockstep/operations/r-1/UNDO.txt',
      parkedDir: '/etc/kubernetes/lockstep/r-1',
      stagingDir: '/var/lib/.lockstep/r-1',
      newStore: '/var/lib/.lockstep/r-1/store',
      inPlace: '/var/lib/etcd',
      other: '/var/lib/.lockstep/r-1/store',
      inPlaceDb: '/var/lib/etcd/member/snap/db',
      otherDb: '/var/lib/.lockstep/r-1/store/member/snap/db',
    });
  });

  it('are clean, however the plan writes them', () => {
    const unclean = NodePlan.fromPartial({
      ...plan(false, '/var//lib/./etcd/'),
      staticPodPath: '/etc/kubernetes/manifests/',
    });
    const paths = operationPaths(unclean, 'r-1', '/var/lib/lockstep');
    expect(paths).toStrictEqual(operationPaths(plan(false), 'r-1', '/var/lib/lockstep'));
  });

  it('stages inside a mount and exchanges member/', () => {
    expect(operationPaths(plan(true, '/var/lib/etcd/'), 'r-1', '/var/lib/lockstep')).toMatchObject({
      stagingDir: '/var/lib/etcd/.lockstep/r-1',
      newStore: '/var/lib/etcd/.lockstep/r-1/store',
      inPlace: '/var/lib/etcd/member',
      other: '/var/lib/etcd/.lockstep/r-1/store/member',
      inPlaceDb: '/var/lib/etcd/member/snap/db',
      otherDb: '/var/lib/etcd/.lockstep/r-1/store/member/snap/db',
    });
  });

  it.each(['', '..', '.r', 'a/b', 'a b', `r${'x'.repeat(200)}`])('takes no operation called %j', (id) => {
    expect(isSafeName(id)).toBe(false);
    expect(() => operationPaths(plan(false), id, '/var/lib/lockstep')).toThrow(notAllowed);
    expect(() => parkedDirOf(plan(false), id)).toThrow(notAllowed);
    // Nor where nothing is parked, on a node without a kubelet.
    const withoutKubelet = NodePlan.fromPartial({ node: 'cp1', hosting: 'systemd' });
    expect(() => nodePaths(withoutKubelet, id, '/var/lib/lockstep')).toThrow(notAllowed);
  });

  it.each(['', 'var/lib/etcd', '/var/../etcd'])('takes no data directory %j', (dataDir) => {
    expect(() => operationPaths(plan(false, dataDir), 'r-1', '/var/lib/lockstep')).toThrow(notAllowed);
  });

  it('plans only the components whose manifest is there, in the order of return', () => {
    expect(plannedComponents(plan(false))).toStrictEqual(['etcd', 'kube-apiserver']);
  });
});
