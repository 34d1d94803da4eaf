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
  const { objects, leftOut } = joinedObjects([nodeWith(MINER, ETCD)], isStored);
  expect(leftOut).toEqual([]);
  expect(objects.map(({ place }) => place)).toEqual([
    'namespaces lockstep-evidence',
    'configmaps lockstep-evidence/cp1.0',
    'configmaps lockstep-evidence/cp1.1',
    'pods kube-system/miner-cp1',
  ]);
  expect(objects[3]).toMatchObject({
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
  const [, miner, etcd] = joinedObjects([nodeWith(MINER, ETCD)], isStored).objects;
  expect(miner?.object).toMatchObject({
    data: { manifest: MINER.text, mirrorPod: 'kube-system/miner-cp1', mirrorPodStored: 'false' },
  });
  expect(etcd?.object).toMatchObject({ data: { mirrorPodStored: 'true', path: ETCD_PATH } });
});

const ETCD_PATH = '/etc/kubernetes/manifests/x.yaml';

it.each([
  ['broken YAML', 'kind: [Pod', 'it is no YAML'],
  ['a pod and broken YAML after it', `${MINER.text}more: [`, 'it is no YAML'],
  ['no pod', 'kind: Secret\nspec: {containers: [{name: a}]}', 'there is no pod in it'],
  ['no containers', 'kind: Pod\nspec: {}', 'there is no pod in it'],
  ['what is too large', undefined, 'the archive does not hold it whole'],
])('makes no pod of %s, and tells it', (_what, text, why) => {
  const { objects, leftOut } = joinedObjects([nodeWith({ pod: 'default/a', text })], () => false);
  expect(objects.map(({ place }) => place)).toEqual([
    'namespaces lockstep-evidence',
    'configmaps lockstep-evidence/cp1.0',
  ]);
  expect(leftOut).toEqual([{ place: 'pods default/a-cp1', why }]);
});

it.each([
  ['that is broken', 'kind: [Pod', 'it is no YAML'],
  ['that looks like one', MINER.text, 'the evidence names no pod of it'],
])('tells by its path a file %s and of which the evidence names no pod', (_what, text, why) => {
  const { objects, leftOut } = joinedObjects([nodeWith({ pod: '', text })], () => true);
  expect(objects).toHaveLength(2);
  expect(leftOut).toEqual([{ place: `pods of cp1:${ETCD_PATH}`, why }]);
});

it('reads the first document alone, as kubelet does', () => {
  const text = `${MINER.text}---\nkind: [`;
  const { objects } = joinedObjects([nodeWith({ ...MINER, text })], isStored);
  expect(objects.at(-1)).toMatchObject({ place: 'pods kube-system/miner-cp1' });
});

it('says nothing of a broken file whose mirror pod the store holds', () => {
  const { leftOut } = joinedObjects([nodeWith({ ...ETCD, text: 'kind: [Pod' })], isStored);
  expect(leftOut).toEqual([]);
});

it('adds nothing where there is no evidence', () => {
  expect(joinedObjects([], () => false)).toEqual({ objects: [], leftOut: [] });
});
