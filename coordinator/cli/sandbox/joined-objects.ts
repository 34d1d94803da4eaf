import { at, type JsonObject, listOf, textMapOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import { parseFirstDocument } from '@lockstep/shared/kubernetes/yaml.ts';
import type { NodeManifests, StaticPodManifest } from './static-pods.ts';

/** Of its own, so that nothing of the snapshot is mixed with it. */
export const JOINED_NAMESPACE = 'lockstep-evidence';
const JOINED_LABEL = 'lockstep.evidence/joined';
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const SOURCE_ANNOTATION = 'kubernetes.io/config.source';
const DEFAULT_NAMESPACE = 'default';
/** The API's own limit for a ConfigMap, less what surrounds the text. */
const MAX_TEXT_BYTES = 1_000_000;

/** What is created through the API, which validates it: a node's files may be an enemy's. */
export interface JoinedObject {
  /** To which it is posted: "/api/v1/namespaces". */
  readonly path: string;
  /** "pods kube-system/etcd-cp1" */
  readonly place: string;
  readonly object: JsonObject;
}

/** A file of which no pod was made, nor shown by the store. */
export interface LeftOut {
  /** "pods kube-system/etcd-cp1"; by its file where the evidence names no pod. */
  readonly place: string;
  /** "it is no YAML" */
  readonly why: string;
}

/**
 * The nodes' manifests beside the snapshot's objects: a config map with each file as it was, and a
 * pod for each file whose mirror pod the store does not hold. Mirror pods that it does hold stay as
 * they are; a file of which no pod can be made is left out, with the reason. `isStored` is asked for
 * "kube-system/etcd-cp1".
 */
export function joinedObjects(
  nodes: readonly NodeManifests[],
  isStored: (pod: string) => boolean,
): { readonly objects: readonly JoinedObject[]; readonly leftOut: readonly LeftOut[] } {
  if (nodes.length === 0) return { objects: [], leftOut: [] };
  const pods = nodes.flatMap((node) => node.manifests.flatMap((each) => pod(node, each, isStored) ?? []));
  const objects = [
    {
      path: '/api/v1/namespaces',
      place: `namespaces ${JOINED_NAMESPACE}`,
      object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: JOINED_NAMESPACE } },
    },
    ...nodes.flatMap((node) => node.manifests.map((each, index) => configMap(node, each, index, isStored))),
    ...pods.filter((each) => 'object' in each),
  ];
  return { objects, leftOut: pods.filter((each) => 'why' in each) };
}

function configMap(
  { node, gatherId, archiveSha256 }: NodeManifests,
  manifest: StaticPodManifest,
  index: number,
  isStored: (pod: string) => boolean,
): JoinedObject {
  const name = `${node}.${index}`;
  const { path, sha256, text } = manifest;
  const mirrorPod = mirrorOf(manifest, node);
  const isShown = text !== undefined && Buffer.byteLength(text) <= MAX_TEXT_BYTES;
  return {
    path: `/api/v1/namespaces/${JOINED_NAMESPACE}/configmaps`,
    place: `configmaps ${JOINED_NAMESPACE}/${name}`,
    object: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels: { [JOINED_LABEL]: 'manifest' } },
      data: {
        node,
        path,
        sha256,
        mirrorPod,
        mirrorPodStored: mirrorPod === '' ? '' : String(isStored(mirrorPod)),
        gatherId,
        archiveSha256,
        ...(isShown ? { manifest: text } : {}),
      },
    },
  };
}

/** As kubelet would have shown it, or why there is none. Undefined where the store shows it already. */
function pod(
  { node }: NodeManifests,
  manifest: StaticPodManifest,
  isStored: (pod: string) => boolean,
): JoinedObject | LeftOut | undefined {
  const mirrorPod = mirrorOf(manifest, node);
  if (mirrorPod !== '' && isStored(mirrorPod)) return undefined;
  const place = `pods ${mirrorPod || `of ${node}:${manifest.path}`}`;
  const { found, why } = podIn(manifest.text);
  if (found === undefined) return { place, why };
  // The evidence names it: nothing is made up here of a file that may be an enemy's.
  if (mirrorPod === '') return { place, why: 'the evidence names no pod of it' };
  const [namespace = DEFAULT_NAMESPACE, name = ''] = mirrorPod.split('/');
  const labels = Object.fromEntries(textMapOf(at(found, 'metadata', 'labels')));
  const annotations = Object.fromEntries(textMapOf(at(found, 'metadata', 'annotations')));
  return {
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
    place,
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        labels: { ...labels, [JOINED_LABEL]: 'pod' },
        annotations: {
          ...annotations,
          [MIRROR_ANNOTATION]: manifest.sha256,
          [SOURCE_ANNOTATION]: 'file',
          'lockstep.evidence/manifest': `${node}:${manifest.path}`,
        },
      },
      spec: { ...(at(found, 'spec') as JsonObject), nodeName: node },
    },
  };
}

/** "kube-system/etcd-cp1"; empty where the file is no pod. */
function mirrorOf({ pod: named }: StaticPodManifest, node: string): string {
  return named === '' ? '' : `${named}-${node}`;
}

function podIn(text: string | undefined): { readonly found?: JsonObject; readonly why: string } {
  if (text === undefined) return { why: 'the archive does not hold it whole' };
  let document: unknown;
  try {
    document = parseFirstDocument(text);
  } catch (thrown) {
    return { why: (thrown as Error).message };
  }
  const isPod =
    textOf(at(document, 'kind')) === 'Pod' && listOf(at(document, 'spec', 'containers')).length > 0;
  return isPod ? { found: document as JsonObject, why: '' } : { why: 'there is no pod in it' };
}
