import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import type { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import { at, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import { visitLive } from '../../analysis/live.ts';

/** What an API server has to be told of a store, so that it takes it for its own. */
export interface StoreFacts {
  /** "/registry" */
  readonly prefix: string;
  /** "10.96.0.0/12", or two with a comma; undefined where the store does not say. */
  readonly serviceRanges: string | undefined;
  /** The control plane's, or that of its newest kubelet: "v1.34.2"; empty where the store does not say. */
  readonly kubernetesVersion: string;
}

const SERVICE_CIDR = '/servicecidrs/kubernetes';
const SERVICE_RANGE = '/ranges/serviceips';
const KUBEADM = '/configmaps/kube-system/kubeadm-config';
const NODES = '/minions/';

/** From the current objects; goes through the store once. */
export function storeFacts(evidence: Evidence, decoder: Decoder): StoreFacts {
  const { registryPrefix: prefix } = evidence.facts;
  let ranges: readonly string[] = [];
  let legacyRange = '';
  let version = '';
  visitLive(evidence, {}, ({ key, main, value }) => {
    const path = key.slice(prefix.length);
    const isNode = path.startsWith(NODES);
    if (!isNode && path !== SERVICE_CIDR && path !== SERVICE_RANGE && path !== KUBEADM) return;
    const decoded = decoder.decode(value, { key, modRevision: main });
    if (decoded.form !== 'object') return;
    const { object } = decoded;
    if (isNode) version = newer(version, textOf(at(object, 'status', 'nodeInfo', 'kubeletVersion')));
    else if (path === SERVICE_CIDR) ranges = listOf(at(object, 'spec', 'cidrs')).map(textOf);
    else if (path === SERVICE_RANGE) legacyRange = textOf(at(object, 'range'));
    else version = newer(version, kubeadmVersion(textOf(at(object, 'data', 'ClusterConfiguration'))));
  });
  const found = ranges.length > 0 ? ranges.join(',') : legacyRange;
  return {
    prefix,
    serviceRanges: RANGES.test(found) ? found : undefined,
    kubernetesVersion: version,
  };
}

/** What a store says becomes a word of a command: only what is plainly a range does. */
const RANGES = /^[0-9a-f.:]+\/\d{1,3}(?:,[0-9a-f.:]+\/\d{1,3})?$/iu;

function kubeadmVersion(clusterConfiguration: string): string {
  return (
    /^kubernetesVersion:\s*["']?(?<version>v\d[^\s"']*)/mu.exec(clusterConfiguration)?.groups?.['version'] ??
    ''
  );
}

/** The minor version of Kubernetes 1: 34 for "v1.34.2"; undefined for anything else. */
export function minorVersionOf(version: string): number | undefined {
  const minor = /^v?1\.(?<minor>\d{1,3})(?:\D|$)/u.exec(version)?.groups?.['minor'];
  return minor === undefined ? undefined : Number(minor);
}

function newer(a: string, b: string): string {
  return (minorVersionOf(b) ?? -1) > (minorVersionOf(a) ?? -1) ? b : a;
}
