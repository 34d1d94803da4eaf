import { posix } from 'node:path';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import type { PodSandbox } from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import { parseManifest } from '../../hosting/static-pod/manifest.ts';
import type { Collecting, Collector } from '../collector.ts';
import { readYaml } from '../credentials.ts';
import type { HostName } from '../host-tree.ts';
import { pathText } from '../record.ts';
import { reasonOf, takeTree } from '../take.ts';

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MAX_CONFIG_BYTES = 1024 * 1024;

/** kubelet's own marks on what it runs from a file. */
const SOURCE_ANNOTATION = 'kubernetes.io/config.source';
const HASH_ANNOTATION = 'kubernetes.io/config.hash';
const SEEN_ANNOTATION = 'kubernetes.io/config.seen';
const NAME_LABEL = 'io.kubernetes.pod.name';
const NAMESPACE_LABEL = 'io.kubernetes.pod.namespace';

interface FoundManifest {
  readonly path: HostName;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Empty where kubelet would not take it for a pod. */
  readonly pod: string;
}

/**
 * The manifests that kubelet runs on its own, and which running pod is of which. kubelet's hash of a
 * static pod (`kubernetes.io/config.hash`, which a mirror pod in the store repeats as
 * `kubernetes.io/config.mirror`) differs by kubelet's version and is never computed here: the
 * runtime's pods bear it beside the name, and the name is the manifest's.
 */
export const staticPods: Collector = {
  name: 'static-pods',
  about: 'static pod manifests, and which running pod, so which mirror pod, is of which',
  when: 'always',
  async *collect(collecting) {
    const { sources, budget, signal } = collecting;
    const { tree, staticPodPath } = sources;
    const { path: toldPath, failure: kubeletConfigFailure } = await toldByKubelet(collecting);
    const parked = posix.join(posix.dirname(staticPodPath), 'lockstep');
    const places = [...new Set([staticPodPath, toldPath, parked].filter((path) => path !== ''))];
    const manifests: FoundManifest[] = [];
    for (const place of places) {
      for await (const item of takeTree({ tree, budget, signal }, place)) {
        if (item.is === 'file') manifests.push(await readManifest(collecting, item.seen.path));
        yield item;
      }
    }
    const live = manifests.filter(({ path }) => !path.startsWith(`${parked}/`));
    yield {
      is: 'account',
      name: 'static-pods.json',
      content: {
        staticPodPath,
        toldByKubeletConfig: toldPath,
        kubeletConfigFailure,
        ...(await linked(collecting, live)),
        parkedByLockstep: manifests.filter((each) => !live.includes(each)).map(plain),
      },
    };
  },
};

/** Where kubelet's configuration says that it looks. An empty path where it says nothing, or does not read. */
async function toldByKubelet({
  sources: { tree, kubeletConfigPath },
  signal,
}: Collecting): Promise<{ readonly path: string; readonly failure: string }> {
  try {
    const text = await tree.readSmall(kubeletConfigPath, MAX_CONFIG_BYTES);
    const told = text === undefined ? undefined : readYaml(text.toString('utf8'))['staticPodPath'];
    const isPath = typeof told === 'string' && told.startsWith('/');
    return { path: isPath ? posix.normalize(told) : '', failure: '' };
  } catch (thrown) {
    signal.throwIfAborted();
    return { path: '', failure: reasonOf(thrown) };
  }
}

async function readManifest({ sources: { tree } }: Collecting, path: HostName): Promise<FoundManifest> {
  const bytes = (await tree.readSmall(path, MAX_MANIFEST_BYTES)) ?? Buffer.alloc(0);
  const pod = parseManifest(bytes.toString('utf8'))?.pod ?? '';
  return { path, sha256: sha256Hex(bytes), sizeBytes: bytes.length, pod };
}

/** Each manifest with the runtime's pods of it, and the pods from files that no manifest is there for. */
async function linked(
  { sources: { node, runtime }, signal }: Collecting,
  manifests: readonly FoundManifest[],
): Promise<object> {
  let sandboxes: readonly PodSandbox[] = [];
  let runtimeFailure = '';
  try {
    ({ sandboxes } = await runtime.everything(signal));
  } catch (thrown) {
    signal.throwIfAborted();
    runtimeFailure = reasonOf(thrown);
  }
  const fromFiles = sandboxes.filter(({ annotations }) => annotations[SOURCE_ANNOTATION] === 'file');
  /** kubelet appends the node's name. */
  const mirrorOf = (pod: string): string => `${pod}-${node}`;
  const known = new Set(manifests.filter(({ pod }) => pod !== '').map(({ pod }) => mirrorOf(pod)));
  return {
    manifests: manifests.map((manifest) => ({
      ...plain(manifest),
      mirrorPod: manifest.pod === '' ? '' : mirrorOf(manifest.pod),
      running: fromFiles.filter((each) => podOf(each) === mirrorOf(manifest.pod)).map(sandboxWords),
    })),
    runningWithoutManifest: fromFiles
      .filter((each) => !known.has(podOf(each)))
      .map((each) => ({ pod: podOf(each), ...sandboxWords(each) })),
    runtimeFailure,
  };
}

function plain({ path, sha256, sizeBytes, pod }: FoundManifest) {
  return { ...pathText(path), sha256, sizeBytes, pod };
}

function podOf({ labels }: PodSandbox): string {
  return `${labels[NAMESPACE_LABEL] ?? ''}/${labels[NAME_LABEL] ?? ''}`;
}

function sandboxWords({ id, annotations, metadata }: PodSandbox) {
  return {
    sandboxId: id,
    uid: metadata?.uid ?? '',
    configHash: annotations[HASH_ANNOTATION] ?? '',
    configSeen: annotations[SEEN_ANNOTATION] ?? '',
  };
}
