import { expect, it } from 'vitest';
import { joinedObjects } from './joined-objects.ts';
import type { NodeManifests, StaticPodManifest } from './static-pods.ts';

const NODE = { node: 'cp1', archiveSha256: 'a'.repeat(64), gatherId: 'e-1', sealJudged: true } as const;

function nodeWith(...manifests: readonly Partial<StaticPodManifest>[]): NodeManifests {
  const plain = {
    path: '/etc/kubernetes/manifests/x.yaml',
    sha256: 'b'.repeat(64),
    pod: '',
    text: undefined,
  };
  return { ...NODE, manifests: manifests.map((each) => ({ ...plain, ...each })) };
}

const MINER = {
  pod: 'kube-system/miner',
  path: '/etc/kubernetes/manifests/.hidden/miner.yaml',
  text: 'kind: Pod\nmetadata: {name: miner, namespace: kube-system, labels: {a: b}}\nspec: {containers: [{name: m, image: xmr}]}\n',
};
const ETCD = { pod: 'kube-system/etcd', text: 'kind: Pod\nspec: {containers: [{name: etcd}]}\n' };
const isStored = (pod: string): boolean => pod === 'kube-system/etcd-cp1';

it('shows a manifest without a mirror pod as the pod that kubelet hides', () => {
  const joined = joinedObjects([nodeWith(MINER, ETCD)], isStored);
  expect(joined.map(({ place }) => place)).toEqual([
    'namespaces lockstep-evidence',
    'configmaps lockstep-evidence/cp1.0',
    'configmaps lockstep-evidence/cp1.1',
    'pods kube-system/miner-cp1',
  ]);
  expect(joined[3]).toMatchObject({
    path: '/api/v1/namespaces/kube-system/pods',
    object: {
      metadata: {
        name: 'miner-cp1',
        labels: { a: 'b', 'lockstep.evidence/joined': 'pod' },
        annotations: { 'kubernetes.io/config.mirror': 'b'.repeat(64) },
      },
      spec: { nodeName: 'cp1', containers: [{ name: 'm', image: 'xmr' }] },
    },
  });
});

it('keeps each file as it was, and says whether the store shows its pod', () => {
  const [, miner, etcd] = joinedObjects([nodeWith(MINER, ETCD)], isStored);
  expect(miner?.object).toMatchObject({
    data: { manifest: MINER.text, mirrorPod: 'kube-system/miner-cp1', mirrorPodStored: 'false' },
  });
  expect(etcd?.object).toMatchObject({ data: { mirrorPodStored: 'true', path: ETCD_PATH } });
});

const ETCD_PATH = '/etc/kubernetes/manifests/x.yaml';

it.each([
  ['no YAML', 'kind: [Pod'],
  ['no pod', 'kind: Secret\nspec: {containers: [{name: a}]}'],
  ['no containers', 'kind: Pod\nspec: {}'],
  ['nothing', undefined],
])('makes no pod of %s', (_what, text) => {
  const joined = joinedObjects([nodeWith({ pod: 'default/a', text })], () => false);
  expect(joined.map(({ place }) => place)).toEqual([
    'namespaces lockstep-evidence',
    'configmaps lockstep-evidence/cp1.0',
  ]);
});

it('adds nothing where there is no evidence', () => {
  expect(joinedObjects([], () => false)).toEqual([]);
});
